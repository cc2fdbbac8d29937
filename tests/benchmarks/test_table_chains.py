"""Every chain of every table of benchmarks/tables runs end to end, from pretraining to the test, on generated data.

Chains that differ in data, seed, numbers of a schedule or of pruned layers alone are one, and so are equal beginnings.
"""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from experiments.runner import fill
from experiments.table import ROOT, ExperimentTable, Step, last_checkpoint, read_metrics
from mmengine.config import Config, DictAction
from scripts import command_line
from small_runs import NARROW, SMALL, fit_regions, load_in_process, shrink

from mmhsi.config_files import DATASET, load_config, reporting_metric
from mmhsi.engine import build_runner

if TYPE_CHECKING:
    from pathlib import Path

TABLES = sorted((ROOT / "benchmarks/tables").glob("*.py"))
ENCODER = dict(SMALL, num_layers=12)  # one for a chain: heads take the outputs of the layers 8 to 11

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("scope")]


def kind(step: Step | None) -> tuple:
    """What tells a step and those before it from others."""
    if step is None:
        return ()
    if step.command:
        flags = ("--model", "--features", "--methods", "--prefix", "--cfg-options")
        words = step.command
        chosen = tuple(words[index + 1] for index, word in enumerate(words) if word in flags)
        return (*kind(step.previous), (words[0], *chosen))
    # Numbers shorten schedules, but for a size of weights; everything else may name what does not exist.
    told = {
        key: value
        for key, value in step.options.items()
        if isinstance(value, bool | str) or value is None or key.endswith("patch_size")
    }
    # A pretraining whose patches are those of its data; what is trained from it follows.
    sized = step.previous is None and re.search("dinov2/.*-tiny.py|lo_msst/.*-p8.py", step.config)
    return (*kind(step.previous), (step.config, step.dataset if sized else "", *sorted(map(str, told.items()))))


def make_tiny(cfg: Config) -> None:
    """Narrow models, the same for all steps of a chain, and windows that the generated tiles have."""
    shrink(cfg)
    model, backbone = cfg.model, cfg.model.backbone
    if backbone.type in ("HSIViT", "SpatialSpectralViT"):
        if backbone.arch == "base" or isinstance(backbone.arch, dict):
            backbone.arch = ENCODER
            if model.type == "MAE":
                model.decoder.update(decoder_embed_dims=NARROW, depth=1, num_heads=4)
        if backbone.get("img_size") == 512:
            backbone.img_size = 128
    for step in cfg.train_dataloader.dataset.get("pipeline", ()):
        if step.get("type") == "RandomResizedCrop" and step["size"] == 512:
            step["size"] = 128
    if model.type == "IMAE" and backbone.arch == "paper":  # as its fine-tuning is made small
        backbone.arch = dict(SMALL, num_layers=4)
    if model.type == "SSMAE":
        model.update(decoder_embed_dims=32, decoder_depth=1, decoder_num_heads=2)


def write_metrics(step: Step, metrics: dict[str, float]) -> None:
    """A report as ``tools/train.py --report`` writes it."""
    (step.folder / "report.json").write_text(json.dumps({"metrics": {k: float(v) for k, v in metrics.items()}}))


@dataclass
class Workshop:
    """Runs steps in this process, each kind once.

    Attributes:
        folder: Where they are run.
        data: Generated files.
        done: Folder of every kind that was run.
    """

    folder: Path
    data: Path
    done: dict[tuple, Path] = field(default_factory=dict)

    def run(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Run a step after those before it; gives its folder."""
        name = kind(step)
        if name in self.done:
            return self.done[name]
        previous = None
        if step.previous is not None:
            before = self.run(step.previous, monkeypatch)
            previous = Step(before, step.previous.config)
        here = Step(self.folder / step.folder.name, step.config, step.dataset, step.options, 0, step.command, previous)
        here.folder.mkdir(exist_ok=True)
        monkeypatch.setenv("MMHSI_DATA", str(self.data))
        monkeypatch.delenv(DATASET, raising=False)
        self.command(here, monkeypatch) if here.command else self.train(here, monkeypatch)
        self.done[name] = here.folder
        return here.folder

    def command(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
        """Run a tool in this process."""
        words = [str(fill(step, word)).replace("{out}", str(step.folder / "report.json")) for word in step.command]
        words = [str(ROOT / word) if word.endswith(".py") else word for word in words]
        if step.command[0] == "tools/test.py":  # of a model that was made tiny
            return self.test(step, words, monkeypatch)
        with command_line(*words):
            runpy.run_path(words[0], run_name="__main__")

    def test(self, step: Step, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """What ``tools/test.py`` does, with the tiny model."""
        monkeypatch.setenv(DATASET, words[words.index("--dataset") + 1])
        cfg = load_config(words[1])
        cfg.merge_from_dict(dict([words[words.index("--cfg-options") + 1].split("=")]))
        make_tiny(cfg)
        load_in_process(cfg)
        cfg.test_dataloader.dataset.window = int(cfg.test_dataloader.dataset.window)
        cfg.update(work_dir=str(step.folder), load_from=words[2])
        cfg.model.backbone.init_cfg = None
        write_metrics(step, build_runner(cfg).test())

    def train(self, step: Step, monkeypatch: pytest.MonkeyPatch) -> None:
        """One iteration and, where there are labels, the test, with the options that the table gives."""
        if step.dataset:
            monkeypatch.setenv(DATASET, step.dataset)
        cfg = load_config(ROOT / step.config)
        options = {key: fill(step, value) for key, value in step.options.items()}
        cfg.merge_from_dict(
            {
                key: DictAction._parse_iterable(str(value)) if isinstance(value, str) else value
                for key, value in options.items()
            }
        )
        make_tiny(cfg)
        fit_regions(cfg)
        load_in_process(cfg)
        cfg.work_dir = str(step.folder)
        cfg.train_cfg = dict(by_epoch=False, max_iters=1)
        cfg.default_hooks.checkpoint = dict(type="CheckpointHook", by_epoch=False, interval=1)
        cfg.default_hooks.pop("reconstruction", None)
        cfg.default_hooks.pop("maps", None)
        cfg.train_dataloader.batch_size = 4096 if cfg.model.type == "ClassicalClassifier" else 2
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        pruning = cfg.default_hooks.get("pruning")
        if pruning:  # counts epochs
            cfg.train_cfg = dict(by_epoch=True, max_epochs=1)
            cfg.default_hooks.checkpoint = dict(type="CheckpointHook", by_epoch=True, interval=1)
            cfg.train_dataloader.batch_size = 4
            cfg.train_dataloader.dataset.turns = (0,)
            pruning.update(interval=1, begin=0)
        if "tta" in cfg.model:
            cfg.model.tta = False
        runner = build_runner(cfg)
        runner.train()
        assert last_checkpoint(step.folder)
        if reporting_metric(cfg):
            write_metrics(step, runner.test())


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, generated_data):
    return Workshop(tmp_path_factory.mktemp("chains"), generated_data)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_chain_runs(path, workshop, tmp_path, monkeypatch):
    table = ExperimentTable.from_file(path)
    chains = {kind(step): step for *_, step in reversed([*table.runs(table.seeds[:1], tmp_path)])}
    for step in chains.values():
        if "FocalLoss" in step.options.values() and "dinov2" in step.config:
            continue  # a loss does not know its encoder: MAE's and DeepLabV3+'s stand for all
        folder = workshop.run(step, monkeypatch)
        metrics = read_metrics(Step(folder, step.config))
        assert all(np.isfinite(metrics[metric]) for metric in table.metrics)
