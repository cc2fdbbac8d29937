"""Readers that stay open, within a number and within memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from cube_files import write_geotiff
from rasterio.env import get_gdal_config, set_gdal_config
from torch.utils.data import DataLoader

from mmhsi.datasets import kept_readers
from mmhsi.datasets.kept_readers import BAND_BYTES, FILE_BYTES, KeptReaders
from mmhsi.io import CubeOptions, CubeReader, gdal
from mmhsi.io.readers.opening import open_reader

ONE = FILE_BYTES + 4 * BAND_BYTES


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    values = np.arange(6 * 5 * 4).reshape(6, 5, 4).astype("int16")
    return [str(write_geotiff(tmp_path / f"{index}.tif", values + index)) for index in range(4)]


def opening(opened: list[str]) -> object:
    def open_file(path: str, key: str | None, axes: str | None, options: CubeOptions) -> CubeReader:
        opened.append(path)
        return open_reader(path, key, 3, axes, options)

    return open_file


@pytest.mark.parametrize(("most", "most_bytes"), [(2, 1 << 30), (100, 2 * ONE)])
def test_those_not_used_for_the_longest_are_closed(paths: list[str], most: int, most_bytes: int) -> None:
    opened: list[str] = []
    kept, open_file = KeptReaders(most, most_bytes), opening(opened)
    readers = {}
    for index in (0, 1, 0, 2, 0, 1):
        readers[index] = kept.reader(paths[index], None, None, CubeOptions(), open_file)
        assert readers[index].read((0, 0, 1, 1)).data[0, 0, 0] == index
    assert [paths.index(path) for path in opened] == [0, 1, 2, 1]
    assert [readers[index]._handle is None for index in (0, 1, 2)] == [False, False, True]


def test_one_larger_than_all_memory_is_read_and_the_only_one(paths: list[str]) -> None:
    opened: list[str] = []
    kept, open_file = KeptReaders(100, 1), opening(opened)
    for index in (0, 0, 1, 0):
        kept.reader(paths[index], None, None, CubeOptions(), open_file)
    assert [paths.index(path) for path in opened] == [0, 1, 0]


def test_a_file_that_was_written_anew_is_opened_anew(paths: list[str]) -> None:
    kept, open_file = KeptReaders(4), opening([])
    before = kept.reader(paths[0], None, None, CubeOptions(), open_file)
    Path(paths[3]).replace(paths[0])
    os.utime(paths[0], ns=(1, 1))
    after = kept.reader(paths[0], None, None, CubeOptions(), open_file)
    assert before._handle is None
    assert after.read((0, 0, 1, 1)).data[0, 0, 0] == 3


class CacheOfGdal:
    """What GDAL may keep while one file is read, in the process that asks; an item each."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> int:
        KeptReaders().reader(self.path, None, None, CubeOptions(), opening([])).read((0, 0, 2, 2))
        with gdal.local_files():
            return int(get_gdal_config("GDAL_CACHEMAX"))


@pytest.mark.parametrize(("available", "expected"), [(32 << 30, 1 << 30), (8 << 30, 512 << 20), (1 << 30, gdal.CACHE)])
@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_unpacked_is_kept_as_memory_allows(paths, monkeypatch, available, expected, workers) -> None:
    before = int(get_gdal_config("GDAL_CACHEMAX"))
    set_gdal_config("GDAL_CACHEMAX", 3 << 30)  # of a larger machine
    monkeypatch.setattr(kept_readers, "available_memory", lambda: available)
    monkeypatch.setattr(gdal, "_NEEDED", {})
    try:
        loader = DataLoader(CacheOfGdal(paths[0]), num_workers=workers, collate_fn=list)
        if workers:
            expected = max(gdal.CACHE, min(1 << 30, available // 16 // workers))
        assert {cache for batch in loader for cache in batch} == {expected}
        assert int(get_gdal_config("GDAL_CACHEMAX")) == 3 << 30  # of others nothing is changed
    finally:
        set_gdal_config("GDAL_CACHEMAX", before)
