"""Scenes mapped by the workers of a Dask cluster: the files of one process, whatever becomes of the workers."""

from __future__ import annotations

import csv
import json
import os
import signal
import time
from contextlib import suppress
from threading import Event, Thread, Timer
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mmhsi.io import HSICube, write_cube

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")]
BANDS, LARGE = 5, 1200
MODEL = dict(
    type="PixelClassifier",
    data_preprocessor=dict(type="ScenePreprocessor", num_bands=4, mean=[500.0] * 4, std=[200.0] * 4),
    backbone=dict(type="CNN2D", in_channels=4, embed_dims=16),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
    head=dict(
        type="mmpretrain.LinearClsHead", in_channels=16, num_classes=3, loss=dict(type="mmpretrain.CrossEntropyLoss")
    ),
)
"""Of classes that every worker can import, which knows no module of the tests."""


@pytest.fixture
def given(trained: Callable, tmp_path: Path) -> list[Any]:
    """The command's arguments: a model, and five scenes, of which the third is damaged and the first is large."""
    config, checkpoint, _ = trained(MODEL, window=[5, 5])
    config.dump(tmp_path / "config.py")
    rng, paths = np.random.default_rng(0), []
    for index in range(5):
        side = LARGE if index == 0 else 20
        path = tmp_path / f"in/scene_{index}.tif"
        place = from_origin(366000 + index * side * 30, 5800000, 30, 30)
        data = rng.normal(500, 200, (side, side, BANDS)).astype(np.float32)
        write_cube(path, HSICube(data, crs=CRS.from_epsg(32633), transform=place))
        paths.append(path)
    paths[2].write_bytes(b"II*\0 cut")
    return [tmp_path / "config.py", checkpoint, *paths, "--device", "cpu"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes; none but those of this machine can connect to them."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50
    ) as made:
        yield made


def files(folder: Path) -> dict[str, bytes]:
    """All that does not hold a time."""
    kept = {path.name: path.read_bytes() for path in folder.glob("*") if path.suffix in (".tif", ".vrt", ".qml")}
    for path in folder.glob("records/*.tif.json"):
        record = json.loads(path.read_bytes())
        kept[path.name] = json.dumps([record[name] for name in ("scene", "map", "made_by", "error", "facts")]).encode()
    with (folder / "summary.csv").open(newline="") as file:
        rows = [{**row, "seconds": ""} for row in csv.DictReader(file)]
    return {**kept, "summary.csv": json.dumps(rows).encode()}


def test_two_workers_write_what_one_process_writes(
    given: list, cluster: Any, tmp_path: Path, run_tool: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_tool("predict", *given, "--out-dir", tmp_path / "alone") == 1
    capsys.readouterr()
    where = (*given, "--out-dir", tmp_path / "maps", "--scheduler", cluster.scheduler_address)
    assert run_tool("predict", *where) == 1
    told = capsys.readouterr()
    assert "4 maps written, 0 were there, 1 scene failed" in told.out
    assert "scene_2.tif: " in told.err
    assert files(tmp_path / "maps") == files(tmp_path / "alone")
    assert run_tool("predict", *where, "--resume") == 1
    assert "0 maps written, 4 were there, 1 scene failed" in capsys.readouterr().out


@pytest.mark.parametrize("allowed", [3, 0])
def test_a_worker_is_killed(
    given: list,
    cluster: Any,
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    allowed: int,
) -> None:
    """Another one makes its scene, unless the scheduler gives up; then the scene alone fails, until the next start."""
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", allowed)
    killed = []

    def kill() -> None:
        note = tmp_path / "maps/scene_0.tif.partial/.lock"
        end = time.monotonic() + 200
        while time.monotonic() < end and not killed:
            with suppress(OSError, IndexError):  # not there yet, or not written
                killed.append(int(note.read_text().split()[1]))
            time.sleep(0.001)
        os.kill(killed[0], signal.SIGKILL)

    helper = Thread(target=kill)
    helper.start()
    where = (*given, "--out-dir", tmp_path / "maps", "--scheduler", cluster.scheduler_address, "--resume")
    assert run_tool("predict", *where) == 1
    helper.join()
    assert killed
    assert killed[0] != os.getpid()
    told = capsys.readouterr()
    if not allowed:
        assert "3 maps written, 0 were there, 2 scenes failed" in told.out
        assert "scene_0.tif: 1 worker died of it" in told.err
        assert 'failed,"1 worker died of it' in (tmp_path / "maps/summary.csv").read_text()
        assert run_tool("predict", *where) == 1
        told = capsys.readouterr()
    assert ("4 maps written, 0 were there" if allowed else "1 map written, 3 were there") in told.out
    assert run_tool("predict", *given, "--out-dir", tmp_path / "alone") == 1
    assert files(tmp_path / "maps") == files(tmp_path / "alone")


@pytest.mark.parametrize("kill", [False, True])
def test_blocks_of_rows_are_tasks(
    given: list,
    cluster: Any,
    tmp_path: Path,
    run_tool: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    kill: bool,
) -> None:
    """Both workers are at the large scene; a block whose worker is killed is made by another one."""
    assert run_tool("predict", *given, "--out-dir", tmp_path / "alone") == 1
    capsys.readouterr()
    makers: set[int] = set()
    done = Event()

    def watch() -> None:
        while not done.wait(0.001):
            for note in tmp_path.glob("maps/scene_0.tif.blocks/*/.lock"):
                with suppress(OSError, IndexError):  # just removed, or not written
                    makers.add(int(note.read_text().split()[1]))
                    if kill and len(makers) == 1:
                        os.kill(min(makers), signal.SIGKILL)

    watcher = Thread(target=watch)
    watcher.start()
    where = (*given, "--out-dir", tmp_path / "maps", "--scheduler", cluster.scheduler_address, "--share", "rows")
    assert run_tool("predict", *where) == 1
    done.set()
    watcher.join()
    told = capsys.readouterr()
    assert "4 maps written, 0 were there, 1 scene failed" in told.out
    assert "scene_2.tif: " in told.err
    assert len(makers) >= 2
    assert os.getpid() not in makers
    assert files(tmp_path / "maps") == files(tmp_path / "alone")
    assert not [*(tmp_path / "maps").glob("*.blocks")]
    assert run_tool("predict", *where) == 1
    assert "0 maps written, 4 were there, 1 scene failed" in capsys.readouterr().out


def test_what_cannot_work_is_one_line(
    given: list, tmp_path: Path, run_tool: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    where = (*given, "--out-dir", tmp_path / "maps", "--scheduler")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=50
    ) as threads:
        assert run_tool("predict", *where, threads.scheduler_address) == 2
        assert "has 2 threads; start it with --nthreads 1" in capsys.readouterr().err
        assert run_tool("predict", *where, threads.scheduler_address, "--launcher", "slurm") == 2
        assert "leave --launcher out" in capsys.readouterr().err
        assert run_tool("predict", *where, threads.scheduler_address, "--share", "rows", "--batch-size", "auto") == 2
        assert "give --batch-size a number" in capsys.readouterr().err
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=2, processes=False, dashboard_address=None, silence_logs=50
    ) as threads:
        joining = Timer(2, threads.scale, [1])
        joining.start()
        assert run_tool("predict", *where, threads.scheduler_address) == 2
        joining.join()
        told = capsys.readouterr().err
        assert "has no worker yet" in told
        assert "has 2 threads; start it with --nthreads 1" in told
    assert run_tool("predict", *where, "") == 2
    assert "names no address" in capsys.readouterr().err
    for content, message in (("no json", "not a file of a Dask scheduler"), ("{}", "names no address")):
        (tmp_path / "scheduler.json").write_text(content)
        assert run_tool("predict", *where, tmp_path / "scheduler.json") == 2
        assert message in capsys.readouterr().err
    dask = pytest.importorskip("dask")
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert run_tool("predict", *where, "tcp://127.0.0.1:9") == 2
    assert "no Dask scheduler answers" in capsys.readouterr().err
