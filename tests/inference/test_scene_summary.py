"""The table, footprints and mosaic of many maps."""

from __future__ import annotations

import csv
import multiprocessing
import os
import shutil
import signal
import struct
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

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

from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer, scene_summary
from mmhsi.inference.many_scenes import Record, read_record, record_path
from mmhsi.inference.scene_lists import map_names
from mmhsi.inference.scene_summary import write_summary
from mmhsi.io import HSICube, read_class_map, write_cube
from mmhsi.io.file_states import file_state
from mmhsi.io.json_file import write_state

if TYPE_CHECKING:
    from collections.abc import Callable
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
    for path in out.glob("records/*.tif.json"):
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

    def slow(*read: Any) -> list[Path]:
        pipe.send("read")
        assert pipe.recv() == "write"
        return write(*read)

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


def test_classes_whose_names_differ_in_case_alone_have_fields_of_their_own(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], classes=["Roof", "roof", "roof (2)"])
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes[:1], tmp_path)
    write_summary(tmp_path, ["scene_0.tif"])
    meta, _, _, values = read_vector(tmp_path / "footprints.gpkg")
    fields = dict(zip(meta["fields"], values, strict=True))
    assert [*fields] == ["scene", "map", "Roof km2", "roof (2) km2", "roof (2) (2) km2"]
    found = read_class_map(tmp_path / "scene_0.tif").classes
    for index, name in enumerate([*fields][2:]):
        assert fields[name] == pytest.approx((found == index).sum() * METRES**2 / 1e6)


@pytest.mark.parametrize("name", [" lead", "& <a>", "trail "])
def test_a_mosaic_finds_maps_of_any_name(trained: Callable, scenes: list[str], tmp_path: Path, name: str) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    scene = str(tmp_path / "in" / f"{name}.tif")
    shutil.copy(scenes[0], scene)
    map_all(SceneInferencer(config, checkpoint, "cpu"), [scene, scenes[1]], tmp_path)
    write_summary(tmp_path, [f"{name}.tif", "scene_1.tif"])
    with rasterio.open(tmp_path / "mosaic.vrt") as mosaic, rasterio.open(tmp_path / f"{name}.tif") as single:
        np.testing.assert_array_equal(mosaic.read(1)[:, :SIDE], single.read(1))


def test_footprints_across_180_degrees_have_two_parts(trained: Callable, tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    data = np.random.default_rng(0).normal(500, 200, (20, 20, BANDS)).astype(np.float32)
    place = dict(crs=CRS.from_epsg(32601), transform=from_origin(358650, 7220000, METRES, METRES))
    write_cube(tmp_path / "scene.tif", HSICube(data, **place))
    map_all(SceneInferencer(config, checkpoint, "cpu"), [str(tmp_path / "scene.tif")], tmp_path / "maps")
    write_summary(tmp_path / "maps", ["scene.tif"])
    _, _, (shape,), _ = read_vector(tmp_path / "maps/footprints.gpkg")
    assert struct.unpack_from("<BII", shape) == (1, 6, 2)
    parts, offset = [], 9
    for _ in range(2):
        _, kind, rings, count = struct.unpack_from("<BIII", shape, offset)
        assert (kind, rings) == (3, 1)
        parts.append(np.frombuffer(shape, "<f8", 2 * count, offset + 13).reshape(count, 2))
        offset += 13 + 16 * count
    east, west = sorted(parts, key=lambda part: -part[:, 0].mean())
    assert 179.9 < east[:, 0].min() < east[:, 0].max() == 180
    assert -180 == west[:, 0].min() < west[:, 0].max() < -179.9


def test_an_optimised_mosaic_is_the_virtual_one(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    """Read by rasterio: values, place, legend and coarser copies by the most frequent class."""
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3], classes=["soil", "röf & <tile>", "water"])
    out, large = tmp_path / "maps", tmp_path / "in/large.tif"
    data = np.random.default_rng(3).normal(500, 200, (300, 600, BANDS)).astype(np.float32)
    place = from_origin(366000 + 8 * SIDE * METRES, 5800000 - 7 * METRES, METRES, METRES)
    write_cube(large, HSICube(data, crs=CRS.from_epsg(32633), transform=place))
    given = [*scenes[:2], str(large)]
    map_all(SceneInferencer(config, checkpoint, "cpu"), given, out)
    written = write_summary(out, map_names(given).values(), optimised=True)
    assert [path.name for path in written[2:]] == ["mosaic.vrt", "mosaic.tif", "mosaic.tif.aux.xml", "mosaic.qml"]
    assert not [*out.glob(".*")]
    with rasterio.open(out / "mosaic.vrt") as virtual, rasterio.open(out / "mosaic.tif") as copied:
        values = copied.read(1)
        np.testing.assert_array_equal(values, virtual.read(1))
        with rasterio.open(out / "large.tif") as single:
            np.testing.assert_array_equal(values[7:, 8 * SIDE :], single.read(1))
            assert copied.colormap(1)[1] == virtual.colormap(1)[1] == single.colormap(1)[1]
            assert copied.tags()["class_names"] == single.tags()["class_names"]
        assert copied.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert (copied.crs, copied.transform, copied.nodata) == (virtual.crs, virtual.transform, virtual.nodata)
        assert copied.overviews(1) == [2, 4]
    with rasterio.open(out / "mosaic.tif", overview_level=0) as coarse:
        most = coarse.read(1)
    fours = values[8:306, 80:678].reshape(149, 2, 299, 2).swapaxes(1, 2).reshape(149, 299, 4)
    counts = (fours[..., None] == fours[..., None, :]).sum(axis=-1)
    same = np.take_along_axis(counts, (fours == most[4:153, 40:339, None]).argmax(axis=-1)[..., None], -1)[..., 0]
    assert (same == counts.max(axis=-1)).all()
    assert read_class_map(out / "mosaic.tif").names == ["soil", "röf & <tile>", "water"]
    assert "röf &amp; &lt;tile&gt;" in (out / "mosaic.tif.aux.xml").read_text()
    assert "water" in (out / "mosaic.qml").read_text()


def test_an_optimised_mosaic_is_made_once_of_the_same_maps(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out, names = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps", map_names(scenes).values()
    map_all(inferencer, scenes[:2], out)
    # Other processes are at scenes that have no record yet.
    assert not [path for path in write_summary(out, names, optimised=True) if path.suffix == ".tif"]
    map_all(inferencer, scenes, out)
    write_summary(out, names, optimised=True)
    mosaic = out / "mosaic.tif"
    made = file_state(mosaic)
    for optimised in (True, False):
        assert mosaic in write_summary(out, names, optimised=optimised)
        assert file_state(mosaic) == made
    inferencer.write_map(scenes[1], out / "scene_0.tif")
    write_state(record_path(out, "scene_0.tif"), asdict(changed(out, "scene_0.tif")))
    write_summary(out, names, optimised=True)
    with rasterio.open(mosaic) as copied, rasterio.open(out / "scene_1.tif") as single:
        np.testing.assert_array_equal(copied.read(1)[:, :SIDE], single.read(1))
    # Of other maps, and not asked for, it goes; what somebody has changed stays.
    style = out / "mosaic.qml"
    style.write_text("mine")
    (out / "records/scene_3.tif.json").unlink()
    write_summary(out, names)
    assert sorted(path.name for path in out.glob("mosaic*")) == ["mosaic.qml", "mosaic.vrt"]
    some = map_names(scenes[:3]).values()
    write_summary(out, some, optimised=True)
    mosaic.write_bytes(mosaic.read_bytes() + b" ")
    made = mosaic.read_bytes()
    write_summary(out, some)
    for given in (some, map_names(scenes[:2]).values()):
        with pytest.raises(DataError, match=r"mosaic.tif: is there, and not as mmhsi predict wrote it; move it"):
            write_summary(out, given, optimised=True)
    assert mosaic.read_bytes() == made
    mosaic.unlink()
    write_summary(out, some, optimised=True)
    assert mosaic.read_bytes() == made[:-1]
    assert style.read_text() == "mine"


@pytest.mark.parametrize("where", ["rasterio.shutil.copy", "mmhsi.inference.mosaics.write_style"])
def test_what_a_killed_process_left_of_optimised_mosaics_goes(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    out = tmp_path / "maps"
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes, out)

    class Killed(BaseException):
        pass

    def killed(*given: object, **named: object) -> None:
        raise Killed

    style = out / "mosaic.qml"
    if not where.endswith("style"):
        style.write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr(where, killed)
        with pytest.raises(Killed):
            write_summary(out, map_names(scenes).values(), optimised=True)
    (out / ".mosaic.tif.0123456789ab.tmp.tif").touch()
    write_summary(out, map_names(scenes[:2]).values())
    if not where.endswith("style"):
        assert style.read_text() == "mine"
        style.unlink()
    assert [path.name for path in out.iterdir() if "mosaic" in path.name] == ["mosaic.vrt"]


def changed(folder: Path, name: str) -> Record:
    found = read_record(record_path(folder, name))
    assert found is not None
    return replace(found, written=file_state(folder / name))


def test_maps_of_two_coordinate_systems_have_two_optimised_mosaics(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    out, other = tmp_path / "maps", tmp_path / "in/other.tif"
    data = np.random.default_rng(1).normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
    write_cube(other, HSICube(data, crs=CRS.from_epsg(32632), transform=from_origin(366000, 5800000, 30, 30)))
    given = [*scenes[:2], str(other)]
    map_all(SceneInferencer(config, checkpoint, "cpu"), given, out)
    write_summary(out, map_names(given).values(), optimised=True)
    assert sorted(path.name for path in out.glob("mosaic*.tif")) == ["mosaic_1.tif", "mosaic_2.tif"]
    with rasterio.open(out / "mosaic_2.tif") as copied, rasterio.open(out / "other.tif") as single:
        assert copied.crs == CRS.from_epsg(32632)
        np.testing.assert_array_equal(copied.read(1), single.read(1))


def test_what_ends_an_optimised_mosaic_leaves_no_half_one(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    out, names = tmp_path / "maps", map_names(scenes[:2]).values()
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes[:2], out)
    write_summary(out, names, optimised=True)
    before, old = {path.name for path in out.iterdir()}, (out / "mosaic.tif").read_bytes()

    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as patched:
        patched.setattr("mmhsi.inference.mosaics._compare", kill)  # the copy is whole, but has no name
        (out / "mosaic.tif").unlink()
        killed = fork(write_summary, out, names, None, (), True)
        assert join(killed) == -signal.SIGKILL
    assert not (out / "mosaic.tif").exists()
    assert [*out.glob(".mosaic.tif.*.tmp")]
    write_summary(out, names, optimised=True)
    assert (out / "mosaic.tif").read_bytes() == old
    assert {path.name for path in out.iterdir()} == before

    copy = rasterio.shutil.copy

    def cut(source: Path, made: Path, **how: object) -> None:
        copy(source, made, **how)
        with rasterio.open(made, "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
            file.write(np.full((1, SIDE), 9, np.uint8), 1, window=((3, 4), (0, SIDE)))

    for patch, told in (
        (("rasterio.shutil.copy", cut), "cannot write all of it"),
        (("mmhsi.inference.checks.shutil.disk_usage", lambda _: shutil._ntuple_diskusage(9, 8, 1)), "for the mosaic"),
    ):
        (out / "mosaic.tif").unlink()
        with monkeypatch.context() as patched:
            patched.setattr(*patch)
            with pytest.raises(DataError, match=told):
                write_summary(out, names, optimised=True)
        assert {path.name for path in out.iterdir()} <= before - {"mosaic.tif"}
        write_summary(out, names, optimised=True)
    (out / "scene_1.tif").unlink()
    (out / "mosaic.tif").unlink()
    with pytest.raises(DataError, match=r"mosaic\.tif: cannot write: .*scene_1"):
        write_summary(out, names, optimised=True)
    assert not (out / "mosaic.tif").exists()
