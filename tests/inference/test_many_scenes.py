"""One model over many scenes: maps and records; what a second start does, and several processes."""

from __future__ import annotations

import csv
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from many_maps import map_all
from processes import run_command
from scene_models import PIXEL_CONV

from mmhsi.errors import DataError
from mmhsi.inference import SceneInferencer, many_scenes
from mmhsi.inference.many_scenes import Record
from mmhsi.io.json_file import write_state
from mmhsi.io.lock import hold

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


def test_what_fails_does_not_end_it_and_what_is_there_is_skipped(
    trained: Callable, scenes: list[str], tmp_path: Path
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    first = map_all(inferencer, scenes, out)
    assert [(bool(record.error), there) for record, there in first] == [(i == 2, False) for i in range(4)]
    assert "scene_2.tif" in first[2][0].error
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.tif")}
    assert sorted(before) == ["scene_0.tif", "scene_1.tif", "scene_3.tif"]
    assert [there for _, there in map_all(inferencer, scenes, out)] == [True, True, False, True]
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.tif")} == before
    inferencer.write_map(scenes[1], tmp_path / "alone.tif")
    assert (out / "scene_1.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()

    # Another model or option, a changed scene, a lost map: these are made again.
    assert [there for _, there in map_all(inferencer, scenes[:2], out, scale=2.0)] == [False, False]
    assert [there for _, there in map_all(inferencer, scenes[:2], out, scale=2.0)] == [True, True]
    os.utime(scenes[0], ns=(1, 1))
    (out / "scene_1.tif").unlink()
    assert [there for _, there in map_all(inferencer, scenes[:2], out, scale=2.0)] == [False, False]
    record = out / "records/scene_1.tif.json"
    record.write_text(record.read_text()[:50])
    assert [there for _, there in map_all(inferencer, scenes[:2], out, scale=2.0)] == [True, False]


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
    unforeseen, zero, long, well = (record for record, _ in map_all(inferencer, given, out))
    assert unforeseen.error.startswith("RuntimeError in inference/test_many_scenes.py, line ")
    assert unforeseen.error.endswith(r": out of\nmemory")
    assert "null byte" in zero.error or "one line" in zero.error
    assert "name too long" in long.error.lower()
    assert not well.error

    # A disk that refuses the record of a failure too does not hide what failed.
    def full(*_: object) -> None:
        raise DataError("no space for the record")

    monkeypatch.setattr(many_scenes, "write_state", full)
    assert "out of" in map_all(inferencer, scenes[:1], tmp_path / "more")[0][0].error


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
    map_all(inferencer, scenes[:1], out)
    before = (out / "scene_0.tif").read_bytes()
    ((record, there),) = map_all(inferencer, [str(other)], out)
    assert not there
    assert record.error.startswith(f"{out / 'scene_0.tif'}: is the map of {scenes[0]}; give another --out-dir")
    assert (out / "scene_0.tif").read_bytes() == before
    assert [there for _, there in map_all(inferencer, scenes[:1], out)] == [True]
    # Somebody wrote another map under that name: it is not the record's.
    inferencer.write_map(other, out / "scene_0.tif")
    assert [there for _, there in map_all(inferencer, scenes[:1], out)] == [False]
    assert (out / "scene_0.tif").read_bytes() == before
    # Where the scene itself has gone, its map is replaced.
    Path(scenes[0]).unlink()
    assert [(record.error, there) for record, there in map_all(inferencer, [str(other)], out)] == [("", False)]


def test_a_map_that_another_process_writes_is_left_to_it(trained: Callable, scenes: list[str], tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    inferencer, out = SceneInferencer(config, checkpoint, "cpu"), tmp_path / "maps"
    with hold(out / "scene_0.tif.partial", "output", "wait", passing=True):
        ((record, there),) = map_all(inferencer, scenes[:1], out)
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


def test_a_scene_that_is_refused_is_told_before_anything_else(
    trained: Callable,
    scenes: list[str],
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    given = ("predict", tmp_path / "config.py", checkpoint)
    assert run_tool(*given, scenes[2], "--out", tmp_path / "map.tif") == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert run_tool(*given, scenes[2], scenes[0], scenes[1], "--out-dir", tmp_path / "maps") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "classifying a window of 3 x 3 pixels around each pixel"
    assert [line.partition(":")[0] for line in lines].count("map") == 2
    assert run_tool(*given, scenes[2], "--out-dir", tmp_path / "none") == 1
    assert "classifying" not in capsys.readouterr().out


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
