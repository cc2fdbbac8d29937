"""Blocks of rows of one scene over several processes: the bytes of one process, every row once, after kills too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from processes import fork, join
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, CONV, PIXEL_CONV, segment_model

from mmhsi.inference import SceneInferencer, map_run, prediction
from mmhsi.inference.many_scenes import predict_scenes
from mmhsi.inference.scene_lists import map_names
from mmhsi.io import HSICube, write_cube
from mmhsi.io.lock import hold

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
SEGMENT = segment_model(
    dict(CONV, kernel=3),
    dict(type="mmseg.FCNHead", in_channels=6, channels=6, in_index=0, num_convs=0, concat_input=False),
)
WINDOWS = {"pixels": (PIXEL_CONV, [3, 3]), "tiles": (SEGMENT, [8, 8])}
HEIGHT = 210


@pytest.fixture
def tall(tmp_path: Path) -> str:
    """210 × 19 pixels of 5 bands with a part without data."""
    data = np.random.default_rng(0).normal(500, 200, (HEIGHT, 19, BANDS)).astype(np.float32)
    data[50:70, 3:9] = -9999
    place = from_origin(366000, 5800000, 30, 30)
    write_cube(tmp_path / "tall.tif", HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=place))
    return str(tmp_path / "tall.tif")


@pytest.fixture(params=WINDOWS)
def model(request: pytest.FixtureRequest, trained: Callable, monkeypatch: pytest.MonkeyPatch) -> SceneInferencer:
    """A model for whose scenes batches and blocks are small."""
    monkeypatch.setattr(prediction, "STRIP", 19 * 4)
    monkeypatch.setattr(map_run, "WINDOWS", 2)
    monkeypatch.setattr(map_run, "BLOCKS", 16)
    kind, window = WINDOWS[request.param]
    config, checkpoint, _ = trained(kind, window=window)
    return SceneInferencer(config, checkpoint, "cpu", batch_size=5)


@pytest.fixture
def rows_done(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """First row and number of rows of everything that is kept."""
    done: list[tuple[int, int]] = []
    keep = map_run.values_of

    def counted(part: prediction.PredictedRows, layers: dict) -> dict:
        done.append((part.first, len(part.valid)))
        return keep(part, layers)

    monkeypatch.setattr(map_run, "values_of", counted)
    return done


def shared(model: SceneInferencer, scene: str, out: Path) -> list:
    return list(predict_scenes(lambda: model, model.model.digest, [scene], map_names([scene]), out, shared=True))


def counts(done: list[tuple[int, int]]) -> list[int]:
    """How often each row was made."""
    made = np.zeros(HEIGHT, int)
    for first, count in done:
        made[first : first + count] += 1
    return made.tolist()


def test_blocks_give_the_bytes_of_one_process(
    model: SceneInferencer, tall: str, tmp_path: Path, rows_done: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.write_map(tall, tmp_path / "alone.tif")
    alone, _ = (tmp_path / "alone.tif").read_bytes(), rows_done.clear()
    out = tmp_path / "maps"
    append = map_run.RowStore.append
    left = [5]

    def killed(store: object, values: dict) -> None:  # as SIGTERM does it
        append(store, values)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(map_run.RowStore, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        shared(model, tall, out)
    monkeypatch.setattr(map_run.RowStore, "append", append)
    assert 0 < sum(counts(rows_done)) < HEIGHT
    blocks = out / "tall.tif.blocks"
    begun = sorted(blocks.iterdir())[-1]
    with hold(begun, "block", "wait"):  # by another process: the rest is done, nothing joined
        assert shared(model, tall, out) == []
    assert not (out / "tall.tif").exists()
    ((record, there),) = shared(model, tall, out)
    assert (record.error, there) == ("", False)
    assert (out / "tall.tif").read_bytes() == alone
    assert counts(rows_done) == [1] * HEIGHT
    beside = {path.name for path in tmp_path.glob("alone.*")}
    assert {path.name for path in out.iterdir()} == {"records", *(name.replace("alone", "tall") for name in beside)}
    ((_, there),) = shared(model, tall, out)
    assert there
    assert counts(rows_done) == [1] * HEIGHT


@pytest.mark.parametrize("younger", [False, True])
def test_what_is_left_of_a_finished_map_goes_with_the_next_start(
    model: SceneInferencer, tall: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, younger: bool
) -> None:
    out, left, calls = tmp_path / "maps", tmp_path / "maps/tall.tif.blocks", []
    remove = map_run.RowStore.remove

    def killed(self: object) -> None:
        calls.append(self)
        if (out / "records/tall.tif.json").exists() and len(calls) > 3:
            os.kill(os.getpid(), signal.SIGKILL)
        remove(self)

    with monkeypatch.context() as patch:
        patch.setattr(map_run.RowStore, "remove", killed)
        assert join(fork(shared, model, tall, out)) == -signal.SIGKILL
    made = (out / "tall.tif").read_bytes()
    assert any(left.glob("*/state.json"))
    if younger:  # of another run, which has begun since
        (left / "00000000").mkdir(exist_ok=True)
        (left / "00000000/state.json").write_text("younger")
    ((_, there),) = shared(model, tall, out)
    assert there
    assert (out / "tall.tif").read_bytes() == made
    assert [path.parent.name for path in out.rglob("tall.tif.*/**/state.json")] == ["00000000"] * younger
    assert left.exists() == younger
    assert not (out / "tall.tif.partial").exists()


def test_who_comes_late_does_nothing(
    model: SceneInferencer, tall: str, tmp_path: Path, rows_done: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process joins the map between this one's look at the records and at the blocks."""
    out, opened = tmp_path / "maps", map_run.open_for_model

    def late(*given: object) -> object:
        monkeypatch.setattr(map_run, "open_for_model", opened)
        shared(model, tall, out)
        return opened(*given)

    monkeypatch.setattr(map_run, "open_for_model", late)
    assert shared(model, tall, out) == []
    assert counts(rows_done) == [1] * HEIGHT
    assert not (out / "tall.tif.blocks").exists()


def test_rows_of_other_settings_and_damaged_ones_are_made_again(
    model: SceneInferencer, tall: str, tmp_path: Path, rows_done: list
) -> None:
    out = tmp_path / "maps"
    model.write_map(tall, tmp_path / "alone.tif")
    with hold(out / "tall.tif.blocks/00000000", "block", "wait"):
        shared(model, tall, out)
    kept = sorted((out / "tall.tif.blocks").glob("*/classes.raw"))
    kept[-1].write_bytes(b"\7" * kept[-1].stat().st_size)
    ((record, _),) = shared(model, tall, out)
    assert "damaged" in record.error
    ((record, _),) = shared(model, tall, out)
    assert record.error == ""
    assert (out / "tall.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()
    assert max(counts(rows_done)) == 3  # alone, before and after the damage
    with hold(out / "tall.tif.blocks/00000000", "block", "wait"):
        list(predict_scenes(lambda: model, model.model.digest, [tall], map_names([tall]), out, shared=True, scale=0.5))
    rows_done.clear()
    list(predict_scenes(lambda: model, model.model.digest, [tall], map_names([tall]), out, shared=True, scale=0.25))
    assert counts(rows_done) == [1] * HEIGHT


def test_one_map_is_for_one_process(
    run_tool: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "model.pth").touch()
    words = (tmp_path / "model.pth", "scene.tif", "--out", tmp_path / "map.tif", "--share", "rows")
    assert run_tool("predict", *words) == 2
    assert "give --out-dir for several" in capsys.readouterr().err


@pytest.mark.slow
def test_processes_of_which_one_is_killed(trained: Callable, tall: str, tmp_path: Path) -> None:
    config, checkpoint, _ = trained(PIXEL_CONV, window=[3, 3])
    config.dump(tmp_path / "config.py")
    tool = Path(__file__).parents[2] / "tools/predict.py"
    code = f"import sys; sys.path[:0] = {sys.path!r}; import runpy, time; import scene_models\n"
    code += (
        "from mmhsi.inference import prediction, row_store; prediction.STRIP = 19\nkeep = row_store.RowStore.append\n"
    )
    code += "row_store.RowStore.append = lambda *given: (time.sleep(0.1), keep(*given))[1]\n"
    code += f"sys.argv[0] = {str(tool)!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    given = ["config.py", str(checkpoint), tall, "--out-dir", "maps", "--share", "rows", "--device", "cpu"]

    def start() -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", code, *given], cwd=tmp_path, env=dict(os.environ))

    first, second = start(), start()
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("maps/tall.tif.blocks/*/state.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    first.send_signal(signal.SIGKILL)
    assert (first.wait(), second.wait()) == (-signal.SIGKILL, 0)
    if not (tmp_path / "maps/tall.tif").exists():  # the block that was killed
        assert start().wait() == 0
    SceneInferencer(config, checkpoint, "cpu").write_map(tall, tmp_path / "alone.tif")
    assert (tmp_path / "maps/tall.tif").read_bytes() == (tmp_path / "alone.tif").read_bytes()
