"""Vector files appear whole or not at all."""

import os

import numpy as np
import pyogrio.raw
import pytest
from pyogrio.raw import read
from rasterio.crs import CRS

from mmhsi.errors import DataError
from mmhsi.io.vector_writer import DRIVERS, write_points

PLACES, WRITE = np.array([[1.0, 2.0], [3.0, 4.0]]), pyogrio.raw.write


@pytest.mark.filterwarnings("ignore:'crs' was not")
@pytest.mark.parametrize("suffix", DRIVERS)
def test_what_was_there_stays_until_the_new_file_is_whole(suffix, tmp_path, monkeypatch):
    path = tmp_path / f"a{suffix}"
    write_points(path, PLACES, {"n": np.array([1, 2])}, CRS.from_epsg(32633))
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def torn(name, *args, **options):
        WRITE(name, *args, **options)
        os.truncate(name, 10)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pyogrio.raw.write", torn)
    with pytest.raises(DataError, match="No space left"):
        write_points(path, PLACES, {"n": np.array([3, 4])})
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    monkeypatch.undo()
    for name in ("a.qix", "a.gpkg-wal"):
        (tmp_path / name).write_bytes(b"of the one before")
    write_points(path, PLACES, {"n": np.array([3, 4])})
    meta, _, _, (values,) = read(path)
    assert sorted(values.tolist()) == [3, 4]
    if suffix == ".shp":
        assert meta["crs"] is None  # not that of the file before
    assert (suffix == ".shp") == (not (tmp_path / "a.qix").exists())
    assert (suffix == ".gpkg") == (not (tmp_path / "a.gpkg-wal").exists())
