"""A folder for many maps that holds files of somebody else's, and one that holds the command's own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio.shutil
from many_maps import map_all
from processes import fork, join
from scene_models import PIXEL_CONV

from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.many_outputs import check_folder
from mmhsi.inference.many_scenes import read_record, read_records, record_path
from mmhsi.inference.scene_lists import map_names
from mmhsi.inference.scene_summary import write_summary
from mmhsi.io import write_class_map
from mmhsi.io.vector_writer import write_points

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def predict(predict: Callable[..., int]) -> Callable[..., int]:
    """Into the folder ``maps``."""
    return lambda *words: predict(*words, "--out-dir", "maps")


def table(path: Path) -> None:
    path.write_text("scene,quality\nscene_0,good\n")


def widened_table(path: Path) -> None:
    """One of the command's own, with a column that somebody has added."""
    path.write_text("scene,map,status,error,seconds,height,width,no data,soil pixels,soil km2,checked by\n")


def vectors(path: Path) -> None:
    write_points(path, np.zeros((1, 2)), {"scene": np.array(["a"], dtype=object)})


def styled_footprints(path: Path) -> None:
    """Footprints of the command's own, and a style that a GIS has saved with them."""
    fields = {name: np.array(["a"], dtype=object) for name in ("scene", "map")}
    write_points(path, np.zeros((1, 2)), fields)
    with closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE layer_styles (styleQML TEXT)")


def virtual(path: Path) -> None:
    rasterio.shutil.copy("in/scene_0.tif", path, driver="VRT")


def label_map(path: Path) -> None:
    write_class_map(path, np.zeros((2, 2), np.uint8), class_names=["soil"], palette=[(1, 2, 3)])


def item(path: Path) -> None:
    path.write_text(json.dumps(dict(type="Feature", id="scene_0", properties={}, assets={})))


def measured_map(path: Path) -> None:
    """A map of ``mmhsi classify``, whose item says how right it is."""
    label_map(path)
    said = {"mmhsi:model": {}, "mmhsi:accuracy": dict(overall=0.9)}
    path.with_suffix(".stac.json").write_text(json.dumps(dict(properties=said, assets=dict(a=dict(href=path.name)))))


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("summary.csv", table),
        ("summary.csv", widened_table),
        ("footprints.gpkg", table),
        ("footprints.gpkg", vectors),
        ("footprints.gpkg", styled_footprints),
        ("mosaic.vrt", virtual),
        ("mosaic_2.vrt", virtual),
        ("mosaic.vrt", folder),
        ("mosaic.tif", label_map),
        ("mosaic_1.tif", table),
        ("scene_0.tif", label_map),
        ("scene_0.tif.aux.xml", table),
        ("scene_0.tif", measured_map),
        ("scene_1.stac.json", item),
    ],
)
def test_files_of_somebody_else_end_it_before_the_first_map(
    predict: Callable[..., int],
    scenes: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    make: Callable[[Path], None],
) -> None:
    out = tmp_path / "maps"
    out.mkdir()
    make(out / name)
    before = contents(out)
    assert predict(*scenes[:2], "--mosaic", "cog") == 2
    told = capsys.readouterr()
    (line,) = told.err.splitlines()
    assert line.startswith(f"error: maps/{name}")
    assert line.endswith("give another --out-dir")
    assert "not as mmhsi predict wrote" in line
    assert told.out == ""
    assert contents(out) == before
    assert {path.name for path in out.iterdir()} == {path.name for path in before} | {name}


def test_all_files_of_somebody_else_are_told_at_once(tmp_path: Path) -> None:
    names = {"in/a.tif": "a.tif", "in/b.tif": "b.tif"}
    for name in ("summary.csv", "mosaic.vrt", "mosaic_3.vrt", "mosaic.tif", "Footprints.gpkg", "records.txt"):
        (tmp_path / name).write_text("precious")
    with pytest.raises(DataError, match=r"summary.csv, .*mosaic.vrt: are there, and not .* wrote them; move them"):
        check_folder(tmp_path, names, {}, [])
    for name in ("summary.csv", "mosaic.vrt"):
        (tmp_path / name).unlink()
    check_folder(tmp_path, names, {}, [])  # optimised mosaics are not asked for
    with pytest.raises(DataError, match=r"mosaic.tif: is there, and not as mmhsi predict wrote it; move it"):
        check_folder(tmp_path, names, {}, [], optimised=True)


def test_own_files_are_replaced_without_a_note_and_in_a_copy(
    predict: Callable[..., int], scenes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of an older version, of a copied folder, and of a GIS that has looked at the footprints."""
    out, note = tmp_path / "maps", tmp_path / "maps/records/summary.json"
    assert predict(*scenes[:2]) == 0
    made = contents(out)
    for change in (note.unlink, lambda: shutil.rmtree(out / "records")):
        for path in made:
            os.utime(path, ns=(1, 1))
        with closing(sqlite3.connect(out / "footprints.gpkg")) as base:
            base.execute("PRAGMA journal_mode = WAL")
        assert (out / "footprints.gpkg").read_bytes() != made[out / "footprints.gpkg"]
        change()
        assert predict(*scenes[:2]) == 0, capsys.readouterr().err
        assert "2 maps written" in capsys.readouterr().out
        changing = ("summary", "footprints", "records")  # seconds, and the time of writing
        same = {path: content for path, content in made.items() if not any(word in str(path) for word in changing)}
        assert same.items() <= contents(out).items()


def kill(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    "where",
    [
        "scene_summary.remove_begun",
        "scene_summary.write_whole",
        "scene_summary._write_footprints",
        "mosaics.write_whole",
        "mosaics.PendingFile",
        "mosaics.write_style",
    ],
)
@pytest.mark.parametrize("again", [False, True])
def test_what_a_killed_process_has_written_is_its_own(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, again: bool
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out, names = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps", map_names(scenes[:2])
    map_all(inferencer, scenes[:2], out)
    if again:  # over files of an earlier start
        write_summary(out, [*names.values()][:1], optimised=True)
    with monkeypatch.context() as patch:
        patch.setattr(f"mmhsi.inference.{where}", kill)
        status = join(fork(write_summary, out, names.values(), None, (), True))
        assert status == (0 if "remove" in where and not again else -signal.SIGKILL)
    check_folder(out, names, read_records(out, names.values()), [], optimised=True)
    written = write_summary(out, names.values(), optimised=True)
    assert {path.name for path in out.iterdir() if path.stem in ("summary", "footprints", "mosaic")} == {
        path.name for path in written if "aux" not in path.name
    }


def test_the_map_of_a_killed_process_is_its_own(
    trained: Callable, scenes: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, names = SceneInferencer(config, checkpoint, "cpu"), map_names(scenes[:1])
    for shared in (False, True):
        out = tmp_path / f"maps_{shared}"
        for where in ("map_run.write_item", "many_scenes.write_state"):
            with monkeypatch.context() as patch:
                patch.setattr(f"mmhsi.inference.{where}", kill)
                killed = fork(lambda out, shared: map_all(inferencer, scenes[:1], out, shared=shared), out, shared)
                assert join(killed) == -signal.SIGKILL
            assert (out / "scene_0.tif").exists()
            assert not record_path(out, "scene_0.tif").exists()
            check_folder(out, names, {}, [])
        ((record, _),) = map_all(inferencer, scenes[:1], out, shared=shared)
        assert not record.error


def test_a_mosaic_that_somebody_makes_of_maps_of_values_stays(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes[:1], tmp_path)
    found = read_record(record_path(tmp_path, "scene_0.tif"))
    assert found is not None
    assert found.facts is not None
    (tmp_path / "mosaic.vrt").write_text("mine")
    names = map_names(scenes[:1])
    with pytest.raises(DataError, match=r"mosaic.vrt: is there"):
        check_folder(tmp_path, names, {"scene_0.tif": found}, [])
    of_values = replace(found, facts=replace(found.facts, classes=[], ids=[]))
    check_folder(tmp_path, names, {"scene_0.tif": of_values}, [])


def test_a_file_that_comes_meanwhile_stays(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    map_all(SceneInferencer(config, checkpoint, "cpu"), scenes[:2], tmp_path)
    (tmp_path / "mosaic.vrt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(DataError, match=r"mosaic.vrt: is there"):
        write_summary(tmp_path, map_names(scenes[:2]).values())
    assert contents(tmp_path) == before
