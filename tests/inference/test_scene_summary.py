"""The table, footprints and mosaic of many maps."""

from __future__ import annotations

import csv
import multiprocessing
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from many_maps import METRES, SIDE, map_all
from processes import SECONDS, fork, join
from pyogrio.raw import read as read_vector
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, PIXEL_CONV

from mmhsi.inference import SceneInferencer, scene_summary
from mmhsi.inference.many_scenes import Record, map_names, record_path
from mmhsi.inference.scene_summary import write_summary
from mmhsi.io import HSICube, read_class_map, write_cube
from mmhsi.io.json_file import write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from multiprocessing.connection import Connection
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


def statuses(folder: Path) -> list[str]:
    with (folder / "summary.csv").open(newline="") as file:
        return [row["status"] for row in csv.DictReader(file)]


def test_the_summary_adds_up(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    out = tmp_path / "maps"
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes, out)
    names = map_names(scenes)
    assert [path.name for path in write_summary(out, names.values())] == [
        "summary.csv",
        "footprints.gpkg",
        "mosaic.vrt",
    ]
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done", "done", "failed", "done"]
    assert [row["no data"] for row in rows] == ["0", "1", "", "3"]
    for row in (rows[0], rows[3]):
        found = read_class_map(out / row["map"])
        for index, name in enumerate(found.names):
            count = int((found.classes == index).sum())
            assert int(row[f"{name} pixels"]) == count
            assert float(row[f"{name} km2"]) == pytest.approx(count * METRES**2 / 1e6)
    meta, _, shapes, fields = read_vector(out / "footprints.gpkg")
    assert len(shapes) == 3
    assert list(fields[list(meta["fields"]).index("map")]) == ["scene_0.tif", "scene_1.tif", "scene_3.tif"]
    assert "4326" in meta["crs"]
    x, y = np.frombuffer(shapes[0][-80:], "<f8").reshape(5, 2).T  # its only ring, a point more than corners
    assert (x > 12.9).all()
    assert (x < 13.1).all()
    assert (y > 52.3).all()
    assert (y < 52.4).all()
    with rasterio.open(out / "mosaic.vrt") as mosaic:
        values = mosaic.read(1)
        assert mosaic.shape == (SIDE, 4 * SIDE)
        assert mosaic.crs == CRS.from_epsg(32633)
        assert mosaic.transform == from_origin(366000, 5800000, METRES, METRES)
        for index in (0, 1, 3):
            with rasterio.open(out / f"scene_{index}.tif") as single:
                np.testing.assert_array_equal(values[:, index * SIDE : (index + 1) * SIDE], single.read(1))
                assert mosaic.colormap(1)[1] == single.colormap(1)[1]
        assert (values[:, 2 * SIDE : 3 * SIDE] == mosaic.nodata).all()
    rasterio.shutil.copy(out / "mosaic.vrt", tmp_path / "mosaic.tif", driver="COG")
    with rasterio.open(tmp_path / "mosaic.tif") as copied:
        assert copied.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(copied.read(1), values)


def test_mosaics_follow_the_maps_that_there_are(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    place = from_origin(366000, 5800000, 10, 10)
    other = tmp_path / "in/finer.tif"
    data = np.random.default_rng(1).normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
    write_cube(other, HSICube(data, crs=CRS.from_epsg(32633), transform=place))
    given = [*scenes[:2], str(other)]
    names = map_names(given)
    map_all(inferencer, given[:1], out)
    assert (out / "mosaic.vrt") in write_summary(out, names.values())
    map_all(inferencer, given[1:], out)
    made = [path.name for path in write_summary(out, names.values())]
    assert made == ["summary.csv", "footprints.gpkg", "mosaic_1.vrt", "mosaic_2.vrt"]
    assert sorted(path.name for path in out.glob("mosaic*")) == made[2:]
    assert statuses(out) == ["done"] * 3
    for path in out.glob("records/*"):
        path.unlink()
    write_summary(out, names.values())
    assert not [*out.glob("mosaic*"), *out.glob("*.gpkg"), *out.glob("*.partial")]


def record(folder: Path, number: int) -> None:
    name = f"{number}.tif"
    write_state(record_path(folder, name), asdict(Record(name, name, 1.0, [], [], "damaged")))


NUMBERS = 40


def record_and_summarise(folder: Path, own: range) -> None:
    for number in own:
        record(folder, number)
        write_summary(folder, [f"{number}.tif" for number in range(NUMBERS)])


def test_of_two_processes_the_last_one_writes_of_all(tmp_path: Path) -> None:
    both = [fork(record_and_summarise, tmp_path, range(first, NUMBERS, 2)) for first in (0, 1)]
    assert [join(process) for process in both] == [0, 0]
    assert statuses(tmp_path) == ["failed"] * NUMBERS


def summarise_slowly(folder: Path, names: list[str], pipe: Connection) -> None:
    write = scene_summary._write

    def slow(folder: Path, records: Iterable[Record | None]) -> list[Path]:
        pipe.send("read")
        assert pipe.recv() == "write"
        return write(folder, records)

    scene_summary._write = slow
    write_summary(folder, names)


def test_a_process_that_has_read_less_does_not_write_above_one_that_has_read_more(tmp_path: Path) -> None:
    names = ["0.tif", "1.tif"]
    record(tmp_path, 0)
    here, there = multiprocessing.Pipe()
    first = fork(summarise_slowly, tmp_path, names, there)
    assert here.poll(SECONDS)
    assert here.recv() == "read"
    record(tmp_path, 1)
    second = fork(write_summary, tmp_path, names)
    second.join(1)
    assert second.exitcode is None  # it waits its turn
    here.send("write")
    assert [join(process) for process in (first, second)] == [0, 0]
    assert statuses(tmp_path) == ["failed"] * 2


def test_the_turn_of_a_process_that_is_killed_passes_on(tmp_path: Path) -> None:
    record(tmp_path, 0)
    here, there = multiprocessing.Pipe()
    killed = fork(summarise_slowly, tmp_path, ["0.tif"], there)
    assert here.poll(SECONDS)
    killed.kill()
    join(killed)
    assert [path.name for path in write_summary(tmp_path, ["0.tif"])] == ["summary.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["records", "summary.csv"]
