"""One model over many scenes: maps, records, the table, footprints and mosaic; what a second start does."""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from processes import run_command
from pyogrio.raw import read as read_vector
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, PIXEL_CONV

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer, many_scenes, scene_summary
from mmhsi.inference.many_scenes import Record, listed_scenes, map_names, predict_scenes, share, stac_scenes
from mmhsi.inference.scene_summary import write_summary
from mmhsi.io import HSICube, read_class_map, write_cube
from mmhsi.io.json_file import write_state
from mmhsi.io.lock import hold

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
SIDE, METRES = 10, 30


@pytest.fixture
def scenes(tmp_path: Path) -> list[str]:
    """Four scenes in a row from west to east, of 10 × 10 pixels of 30 m; the third is damaged."""
    rng, paths = np.random.default_rng(0), []
    for index in range(4):
        path = tmp_path / f"in/scene_{index}.tif"
        place = from_origin(366000 + index * SIDE * METRES, 5800000, METRES, METRES)
        data = rng.normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
        data[0, :index] = -9999
        write_cube(path, HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=place))
        paths.append(str(path))
    (tmp_path / "in/scene_2.tif").write_bytes(b"II*\0 cut")
    return paths


def run(inferencer: SceneInferencer, scenes: list[str], out: Path, **options: object) -> list[tuple[Record, bool]]:
    return list(predict_scenes(lambda: inferencer, inferencer.model.digest, scenes, map_names(scenes), out, **options))


def test_what_fails_does_not_end_it_and_what_is_there_is_skipped(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    first = run(inferencer, scenes, out)
    assert [(bool(record.error), there) for record, there in first] == [(i == 2, False) for i in range(4)]
    assert "scene_2.tif" in first[2][0].error
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tif")}
    assert sorted(before) == ["scene_0.tif", "scene_1.tif", "scene_3.tif"]
    assert [there for _, there in run(inferencer, scenes, out)] == [True, True, False, True]
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.tif")} == before
    inferencer.write_map(scenes[1], tmp_path / "alone.tif")
    assert (out / "scene_1.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()

    # Another model or option, a changed scene, a lost map: these are made again.
    assert [there for _, there in run(inferencer, scenes[:2], out, scale=2.0)] == [False, False]
    assert [there for _, there in run(inferencer, scenes[:2], out, scale=2.0)] == [True, True]
    os.utime(scenes[0], ns=(1, 1))
    (out / "scene_1.tif").unlink()
    assert [there for _, there in run(inferencer, scenes[:2], out, scale=2.0)] == [False, False]
    record = out / "records/scene_1.tif.json"
    record.write_text(record.read_text()[:50])
    assert [there for _, there in run(inferencer, scenes[:2], out, scale=2.0)] == [True, False]


ONLY_LOOKED_AT = """
import runpy, sys
tool = sys.argv[1]
sys.argv[:2] = ["predict"]
runpy.run_path(tool, run_name="__main__")
assert not {"torch", "mmseg", "mmpretrain", "mmengine.model"} & set(sys.modules)
"""


def test_an_unforeseen_error_is_one_of_its_scene(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    write_map = SceneInferencer.write_map

    def write(self: SceneInferencer, scene: str, *args: object, **options: object) -> object:
        if "scene_0" in scene:
            raise RuntimeError("out of\nmemory")
        return write_map(self, scene, *args, **options)

    monkeypatch.setattr(SceneInferencer, "write_map", write)
    given = [scenes[0], str(tmp_path / "a\0b.tif"), str(tmp_path / f"{'n' * 251}.tif"), scenes[1]]
    unforeseen, zero, long, well = (record for record, _ in run(inferencer, given, out))
    assert unforeseen.error.startswith("RuntimeError in inference/test_many_scenes.py, line ")
    assert unforeseen.error.endswith(r": out of\nmemory")
    assert "null byte" in zero.error or "one line" in zero.error
    assert "name too long" in long.error.lower()
    assert not well.error

    # A disk that refuses the record of a failure too does not hide what failed.
    def full(*_: object) -> None:
        raise DataError("no space for the record")

    monkeypatch.setattr(many_scenes, "write_state", full)
    assert "out of" in run(inferencer, scenes[:1], tmp_path / "more")[0][0].error


def test_a_start_with_nothing_left_loads_no_model(
    trained: Callable, scenes: list[str], tmp_path: Path, run_tool: Callable[..., int], repository: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    given = [tmp_path / "config.py", checkpoint, *scenes[:2], "--out-dir", tmp_path / "maps"]
    assert run_tool("predict", *given) == 0
    # Where a variable says where data lie, mmengine's logger is asked for, which imports torch.
    where = {name: value for name, value in os.environ.items() if not name.startswith("MMHSI_DATA")}
    done = run_command([sys.executable, "-c", ONLY_LOOKED_AT, repository / "tools/predict.py", *given], env=where)
    assert done.returncode == 0, done.stderr
    assert "0 maps written, 2 were there" in done.stdout


def test_the_summary_adds_up(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    out = tmp_path / "maps"
    run(SceneInferencer(config, checkpoint, "cpu"), scenes, out)
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


def test_the_summary_follows_what_other_processes_do(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that another process writes while this one reads is in the table; mosaics of fewer maps go."""
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    place = from_origin(366000, 5800000, 10, 10)
    other = tmp_path / "in/finer.tif"
    data = np.random.default_rng(1).normal(500, 200, (SIDE, SIDE, BANDS)).astype(np.float32)
    write_cube(other, HSICube(data, crs=CRS.from_epsg(32633), transform=place))
    given = [*scenes[:2], str(other)]
    names = map_names(given)
    run(inferencer, given[:1], out)
    assert (out / "mosaic.vrt") in write_summary(out, names.values())
    once = scene_summary._write_once

    def slow(*args: object) -> list[Path]:
        written = once(*args)
        if not (out / "finer.tif").exists():
            list(predict_scenes(lambda: inferencer, inferencer.model.digest, given[1:], names, out))
        return written

    monkeypatch.setattr(scene_summary, "_write_once", slow)
    made = [path.name for path in write_summary(out, names.values())]
    assert made == ["summary.csv", "footprints.gpkg", "mosaic_1.vrt", "mosaic_2.vrt"]
    assert sorted(path.name for path in out.glob("mosaic*")) == made[2:]
    with (out / "summary.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["done"] * 3
    for path in out.glob("records/*"):
        path.unlink()
    write_summary(out, names.values())
    assert not [*out.glob("mosaic*"), *out.glob("*.gpkg")]


def test_processes_share_all_scenes(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = [f"{index}.tif" for index in range(7)]
    shares = []
    for rank in range(3):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "3")
        shares.append(share(scenes, "pytorch"))
    assert sorted(scene for part in shares for scene in part) == scenes
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert share(scenes) == scenes
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(ConfigError, match="SLURM_PROCID and SLURM_NTASKS are not set; start it with srun"):
        share(scenes, "slurm")


def test_lists_of_scenes(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("# two\na.tif\n\n/b/c.hdr\nhttps://example.org/d.tif\n")
    expected = [str(tmp_path / "a.tif"), "/b/c.hdr", "https://example.org/d.tif"]
    assert listed_scenes(tmp_path / "list.txt") == expected
    marked = b"\xef\xbb\xbf" + (tmp_path / "list.txt").read_bytes().replace(b"\n", b" \r\n")  # as Windows' editors
    (tmp_path / "list.txt").write_bytes(marked)
    assert listed_scenes(tmp_path / "list.txt") == expected
    assert map_names(["x/a.tif", "x/../x/a.tif", "x/a.tif"]) == {"x/a.tif": "a.tif"}
    with pytest.raises(DataError, match="would have the name of that of x/a"):
        map_names(["x/a.tif", "y/A.hdr"])
    with pytest.raises(DataError, match="no scenes"):
        map_names([])


def item(name: str, **assets: dict) -> dict:
    return dict(type="Feature", id=name, assets=assets)


def test_stac_items(tmp_path: Path) -> None:
    path = tmp_path / "items.json"
    one = item("a", data=dict(href="a.tif", roles=["data"]), thumbnail=dict(href="a.png"))
    two = item("b", cube=dict(href="file:///scenes/b%20%C3%A4.tif"))
    three = item("c", cube=dict(href="https://example.org/d%20.tif", roles=["data"]), other=dict(href="e", roles=5))
    path.write_text(json.dumps(dict(type="FeatureCollection", features=[one, two, three])))
    found = [str(tmp_path / "a.tif"), "/scenes/b ä.tif", "https://example.org/d%20.tif"]
    assert stac_scenes(path) == found
    (tmp_path / "f g.tif").touch()
    (tmp_path / "h%20i.tif").touch()
    for href, name in (("f%20g.tif", "f g.tif"), ("h%20i.tif", "h%20i.tif"), ("j%20k.tif", "j%20k.tif")):
        path.write_text(json.dumps(item("l", cube=dict(href=href))))
        assert stac_scenes(path) == [str(tmp_path / name)]
    path.write_text(json.dumps(one))
    assert stac_scenes(path) == [str(tmp_path / "a.tif")]
    for wrong, message in (
        (item("c", a=dict(href="1.tif"), b=dict(href="2.tif")), "item 'c' has 2 assets"),
        (item("d", a=dict(href="")), "item 'd' has 1 assets that may be meant"),
        (dict(features=3), "not a STAC item"),
    ):
        path.write_text(json.dumps(wrong))
        with pytest.raises(DataError, match=message):
            stac_scenes(path)


def test_a_damaged_record_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert many_scenes.read_record(path) is None
    for content in ("{", "[]", "{}", '{"facts": {}}'):
        path.write_text(content)
        assert many_scenes.read_record(path) is None
    record = Record("a.tif", "a.tif", 1.0, [], [], facts=None, written=[100, 5])
    write_state(path, asdict(record))
    assert many_scenes.read_record(path) == record
    path.write_text(path.read_text().replace("100", "200"))
    assert many_scenes.read_record(path) is None


def test_the_map_of_another_scene_of_that_name_is_not_taken_for_it(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    other = tmp_path / "other/scene_0.tif"
    other.parent.mkdir()
    shutil.copy2(scenes[1], other)
    run(inferencer, scenes[:1], out)
    before = (out / "scene_0.tif").read_bytes()
    ((record, there),) = run(inferencer, [str(other)], out)
    assert not there
    assert record.error.startswith(f"{out / 'scene_0.tif'}: is the map of {scenes[0]}; give another --out-dir")
    assert (out / "scene_0.tif").read_bytes() == before
    assert [there for _, there in run(inferencer, scenes[:1], out)] == [True]
    # Somebody wrote another map under that name: it is not the record's.
    inferencer.write_map(other, out / "scene_0.tif")
    assert [there for _, there in run(inferencer, scenes[:1], out)] == [False]
    assert (out / "scene_0.tif").read_bytes() == before
    # Where the scene itself has gone, its map is replaced.
    Path(scenes[0]).unlink()
    assert [(record.error, there) for record, there in run(inferencer, [str(other)], out)] == [("", False)]


def test_a_map_that_another_process_writes_is_left_to_it(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    with hold(out / "scene_0.tif.partial", "output", "wait", passing=True):
        ((record, there),) = run(inferencer, scenes[:1], out)
    assert (there, "in use by process" in record.error) == (False, True)
    assert not (out / "records").exists()  # which is the other process's to write


def test_the_command_in_two_processes(
    trained: Callable,
    scenes: list[str],
    tmp_path: Path,
    run_tool: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Each makes its own part; the one that ends last knows of all, and the maps are those of one process."""
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    model = (tmp_path / "config.py", checkpoint)
    (tmp_path / "list.txt").write_text("\n".join(scenes[2:]))
    given = (*model, *scenes[:2], "--list", tmp_path / "list.txt", "--device", "cpu")
    monkeypatch.setenv("SLURM_NTASKS", "2")
    for rank, status, expected in ((1, 0, "2 maps written, 0 were there"), (0, 1, "1 map written, 0 were there")):
        monkeypatch.setenv("SLURM_PROCID", str(rank))
        assert run_tool("predict", *given, "--out-dir", tmp_path / "shared", "--launcher", "slurm") == status
        told = capsys.readouterr()
        assert expected in told.out
        assert "classifying a window of 3 x 3 pixels around each pixel" in told.out
        assert told.err.count(str(scenes[2])) == (rank == 0)  # the damaged one, which is named once
    assert run_tool("predict", *given, "--out-dir", tmp_path / "alone") == 1
    for path in (tmp_path / "alone").glob("*.*"):
        if path.suffix in (".tif", ".vrt"):
            assert path.read_bytes() == (tmp_path / "shared" / path.name).read_bytes()
    with (tmp_path / "shared/summary.csv").open(newline="") as file:
        assert [row["status"] for row in csv.DictReader(file)] == ["done", "done", "failed", "done"]
    assert "0 were there" in capsys.readouterr().out
    assert run_tool("predict", *given, "--out-dir", tmp_path / "alone", "--resume") == 1
    assert "0 maps written, 3 were there, 1 scene failed" in capsys.readouterr().out
    for options, message in (
        (("--out", tmp_path / "a.tif"), "give one, or --out-dir"),
        (("--out-dir", tmp_path / "alone", "--png", tmp_path / "a.png"), "--png: of one scene"),
    ):
        assert run_tool("predict", *given, *options) == 2
        assert message in capsys.readouterr().err


def test_what_is_left_to_other_processes_is_told(
    trained: Callable,
    scenes: list[str],
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    given = (tmp_path / "config.py", checkpoint, *scenes[:2], "--out-dir", tmp_path / "maps", "--share", "rows")
    with hold(tmp_path / "maps/scene_0.tif.blocks/00000000", "block of rows", "wait"):
        assert run_tool("predict", *given, "--device", "cpu") == 0
    told = capsys.readouterr().out
    assert "1 map written, 0 were there, 0 scenes failed" in told
    assert "1 scene left to other processes" in told
    assert run_tool("predict", *given, "--device", "cpu") == 0
    told = capsys.readouterr().out
    assert "1 map written, 1 was there, 0 scenes failed" in told
    assert "left to" not in told
