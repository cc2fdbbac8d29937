"""The commands that write state, on small generated data."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import crash_test
import mmengine.runner.runner
import numpy as np
import torch
from download_server import CONTENT, serving
from experiments import runner
from generated_data import write_mat_scene
from mmengine.config import Config
from mmengine.registry import DefaultScope
from scene_models import BANDS, META, PIXEL_CONV
from scripts import REPOSITORY, load_script
from yapf.yapflib import yapf_api

import mmhsi.inference.prediction
import mmhsi.inference.row_store
from mmhsi.cli.command import run
from mmhsi.datasets.catalogue import CATALOGUE, RemoteFile, SceneInfo
from mmhsi.io import HSICube, write_cube
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


for _name in ("mmhsi.cli.preload", "matplotlib.figure", "matplotlib.backends.backend_agg"):
    importlib.import_module(_name)  # so that no fork has to


@dataclass
class Case:
    """A command.

    Attributes:
        name: For the table.
        run: Runs it in a folder, going on or anew; gives its exit status.
        outcome: What it made, to be compared.
        not_whole: Name of a result that is there but is not what it should be; None if all are.
        others: Pattern of the files that processes write which it starts.
    """

    name: str
    run: Callable[[Path, bool], int]
    outcome: Callable[[Path], Any]
    not_whole: Callable[[Path], str | None]
    others: str | None = None


def tool(name: str, *words: object) -> int:
    """Run a command in this process; its exit status."""
    module = load_script(f"{name}.py")
    sys.argv = [name, *map(str, words)]
    try:
        run(module.main)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def files_that_are_not(expected: dict[str, bytes]) -> Callable[[Path], str | None]:
    """Compares those that are there."""

    def check(folder: Path) -> str | None:
        there = (name for name in expected if (folder / name).exists())
        return next((name for name in there if (folder / name).read_bytes() != expected[name]), None)

    return check


def files_below(folder: Path) -> list[Path]:
    """All but the note of who holds a folder, which may stay where it cannot be removed."""
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


def training(place: Path) -> Case:
    """Two epochs of a small classification, with checkpoints, the best one, a report."""
    # Configs are written nine times a run; that they are laid out nicely takes half of its time, and another part which
    # compilers and libraries there are.
    yapf_api.FormatCode = lambda text, **_: (text, True)
    mmengine.runner.runner.collect_env = dict
    write_mat_scene(place / "data", "salinas_a")
    os.environ["MMHSI_DATA"] = str(place / "data")
    cfg = Config.fromfile(REPOSITORY / "configs/comparison/cnn1d.py")
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2)
    cfg.param_scheduler = []
    cfg.train_dataloader.update(batch_size=64, num_workers=0, persistent_workers=False)
    cfg.test_dataloader.update(num_workers=0, persistent_workers=False)
    cfg.val_dataloader, cfg.val_evaluator, cfg.val_cfg = cfg.test_dataloader, cfg.test_evaluator, {}
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=1, save_best="OA")
    cfg.dump(place / "train.py")

    def train(folder: Path, resume: bool) -> int:
        words = [place / "train.py", "--work-dir", folder / "w", "--report", folder / "w/report.json"]
        return tool("tools/train", *words, *(["--resume"] if resume else []))

    def outcome(folder: Path) -> Any:
        return plain(crash_test.outcome(folder / "w"))

    def not_whole(folder: Path) -> str | None:
        report = folder / "w/report.json"
        try:
            _ = report.exists() and json.loads(report.read_text())["metrics"]
        except ValueError:
            return report.name
        return None

    return Case("train", train, outcome, not_whole)


def plain(value: Any) -> Any:
    """The same with tensors as bytes, to be compared and pickled."""
    if isinstance(value, torch.Tensor):
        return value.cpu().numpy().tobytes()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def prediction(place: Path) -> Case:
    """A map with probabilities and uncertainty, in strips."""
    mmhsi.inference.prediction.STRIP = 1
    mmhsi.inference.row_store.SAVE_EVERY = -1
    data = np.random.default_rng(0).normal(500, 200, (12, 600, BANDS)).astype(np.float32)
    write_cube(place / "scene.tif", HSICube(data))
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        built = MODELS.build(PIXEL_CONV)
    meta = dict(META, window=[9, 9])
    torch.save(dict(state_dict=built.state_dict(), meta=dict(dataset_meta=meta)), place / "model.pth")
    Config(dict(model=PIXEL_CONV)).dump(place / "predict.py")
    names = dict(out="map.tif", probabilities="probabilities.tif", uncertainty="uncertainty.tif")

    def predict(folder: Path, resume: bool) -> int:
        outputs = [word for option, name in names.items() for word in (f"--{option}", folder / name)]
        words = [place / "predict.py", place / "model.pth", place / "scene.tif", *outputs]
        return tool("tools/predict", *words, *(["--resume"] if resume else []))

    def outcome(folder: Path) -> Any:
        return {path.name: path.read_bytes() for path in files_below(folder)}

    (place / "undisturbed").mkdir()
    if predict(place / "undisturbed", resume=False):
        raise RuntimeError("predict fails")
    expected = outcome(place / "undisturbed")
    del expected["map.stac.json"]  # names the scene by its place beside the map, which is another here
    others = files_that_are_not(expected)

    def not_whole(folder: Path) -> str | None:
        item = folder / "map.stac.json"
        try:
            _ = item.exists() and json.loads(item.read_text())["assets"]
        except ValueError:
            return item.name
        return others(folder)

    return Case("predict", predict, outcome, not_whole)


def download(_place: Path, base: str) -> Case:
    """A data set of two files without checksums, as most are published."""
    files = tuple(RemoteFile(f"toy/{name}.npy", f"{base}/{name}.npy") for name in ("a", "b"))
    CATALOGUE["toy"] = SceneInfo(title="Toy", image="toy/a.npy", files=files)

    def fetch(folder: Path, _resume: bool) -> int:
        return tool("tools/download_dataset", "toy", "--root", folder)

    def outcome(folder: Path) -> Any:
        return {str(path.relative_to(folder)): path.read_bytes() for path in files_below(folder)}

    return Case("download", fetch, outcome, files_that_are_not({f"toy/{name}.npy": CONTENT for name in "ab"}))


STEP = """import json, os, sys
out = sys.argv[-1]
with open(out + ".tmp", "w") as file:
    json.dump({"metrics": {"OA": 50.0 + int(sys.argv[1])}}, file)
    file.flush()
    os.fsync(file.fileno())
os.replace(out + ".tmp", out)
os.fsync(os.open(os.path.dirname(out), os.O_RDONLY))
"""
TABLE = """title, protocol, metric, seeds = "T", "P", "OA", (0, 1)
rows = {{"a": {{"A": [dict(command=["{step}", "{{seed}}", "--out", "{{out}}"])]}}}}
"""


class Step(subprocess.Popen):
    """A step, in place of a process of a server with all libraries; a training's own points are those of ``train``."""

    def __init__(self, words: list[str], log: Path, *_others: object) -> None:
        with log.open("a") as file:
            super().__init__([sys.executable, "-I", "-S", *words], stdout=file, stderr=file)

    def join(self) -> None:
        self.wait()

    @property
    def exitcode(self) -> int | None:
        return self.returncode


def table(place: Path) -> Case:
    """Two steps and the table that is made of them."""
    (place / "step.py").write_text(STEP)
    (place / "table.py").write_text(TABLE.format(step=place / "step.py"))

    def run_table(folder: Path, _resume: bool) -> int:
        with mock.patch.object(runner, "start_tool", Step):
            words = [place / "table.py", "--work-dir", folder / "runs", "--out", folder / "table.md"]
            return tool("benchmarks/run_table", *words)

    def outcome(folder: Path) -> Any:
        reports = sorted((folder / "runs").glob("*/report.json"))
        row, _, _seconds = (folder / "table.md").read_text().splitlines()[-1].rpartition(" (n = 2) | ")
        return [path.read_text() for path in reports], row

    def not_whole(folder: Path) -> str | None:
        for path in [*folder.glob("runs/*/report.json"), *folder.glob("runs/*/finished.json")]:
            try:
                json.loads(path.read_text())
            except ValueError:
                return path.name
        return None

    return Case("run_table", run_table, outcome, not_whole, others="report.json")


def cases(folder: Path, only: str) -> Iterator[Case]:
    """Each command with ``only`` in its name, its inputs written below a folder."""
    with serving() as server:
        server.files = {f"/{name}.npy": CONTENT for name in "ab"}
        makers = {"predict": prediction, "run_table": table, "train": training}
        makers["download"] = lambda place: download(place, server.base)
        for name, make in makers.items():
            if only in name:
                place = folder / name
                place.mkdir()
                yield make(place)
