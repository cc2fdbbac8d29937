"""Networks as candidates: trained by their mmengine configs, in this process, on windows that are in memory."""

from __future__ import annotations

import random
import tempfile
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from mmengine.hooks import Hook
from torch import nn
from torch.utils.data import Dataset

from mmhsi.config_files import load_config
from mmhsi.datasets.statistics import BandStatistics
from mmhsi.engine import CheckedRunner, resolve_from_spec

from .pretrained import encoder_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmengine.config import Config
    from mmengine.runner import Runner
    from numpy.typing import NDArray

    from mmhsi.spec import InputSpec

    from .candidates import Candidate
    from .pace import Pace

BATCH = 256
"""Windows at a time where a trained network is asked."""

TIMED_EPOCHS = 5
"""Epochs behind the first, which is slower, by which a training's end is foretold."""


class WindowTable(Dataset):
    """Normalised windows in memory with their classes, as :class:`mmhsi.datasets.SceneDataset` gives samples.

    Args:
        windows: float32 (n, h, w, C), of zero mean and unit variance over the scene, 0 where there is no data.
        valid: Pixels that hold data, (n, h, w).
        classes: (n,).
        spec: What a network is given.
    """

    def __init__(
        self, windows: NDArray[np.float32], valid: NDArray[np.bool_], classes: NDArray[np.int64], spec: InputSpec
    ) -> None:
        self.windows, self.valid, self.classes, self.spec = windows, valid, classes, spec

    @property
    def metainfo(self) -> dict:
        """:attr:`spec` as plain data."""
        return self.spec.to_meta()

    def band_statistics(self) -> BandStatistics:
        """Zero mean and unit deviation: the windows are normalised."""
        found = BandStatistics(self.windows.shape[3])
        found.update(np.stack([-np.ones(self.windows.shape[3]), np.ones(self.windows.shape[3])]))
        return found

    def part(self, chosen: NDArray) -> WindowTable:
        """Some of them.

        Args:
            chosen: Indices, or a mask (n,).
        """
        return WindowTable(self.windows[chosen], self.valid[chosen], self.classes[chosen], self.spec)

    def inputs(self) -> torch.Tensor:
        """As a network takes them, (n, C, h, w)."""
        return torch.from_numpy(np.ascontiguousarray(self.windows)).permute(0, 3, 1, 2)

    def __len__(self) -> int:
        return len(self.classes)

    def __getitem__(self, index: int) -> dict:
        """A window (h, w, C), which of its pixels hold data, and its class."""
        place = int(index)
        return dict(
            window=torch.from_numpy(self.windows[place]),
            valid=torch.from_numpy(self.valid[place]),
            label=int(self.classes[place]),
        )


class Deadline(Hook):
    """Ends a training that would not be over in time.

    Args:
        pace: Is told how far the training is; the first epoch, which is slower than the others, is foretold apart.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace, self.begin, self.first = pace, 0.0, 0.0

    def before_train(self, runner: Runner) -> None:
        """Look at the clock."""
        self.begin = time.monotonic()

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """See whether it would be too late already, were the training over now.

        Raises:
            OutOfTimeError: If it is.
        """
        self.pace(1.0)

    def after_train_epoch(self, runner: Runner) -> None:
        """Foretell the end.

        Raises:
            OutOfTimeError: If it is too late.
        """
        now = time.monotonic()
        if runner.epoch == 0:
            self.first = now
        elif runner.epoch >= TIMED_EPOCHS:
            epoch = (now - self.first) / runner.epoch
            whole = self.first - self.begin + epoch * (runner.max_epochs - 1)
            self.pace(min(1.0, (now - self.begin) / whole))


@contextmanager
def randomness_kept() -> Iterator[None]:
    """Within the block runners seed what they want; behind it everything draws as if they had not."""
    plain, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002, what mmengine seeds
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(plain)
            np.random.set_state(legacy)  # noqa: NPY002


def network_config(candidate: Candidate, spec: InputSpec, seed: int) -> Config:
    """A network's config for a scene, its numbers filled in, without data.

    Args:
        candidate: With a ``config``.
        spec: What the network is given.
        seed: Of everything random.
    """
    cfg = load_config(candidate.config)
    if candidate.pretrained:
        cfg.model.backbone = encoder_config(candidate.pretrained, spec)
    preprocessor = cfg.model.data_preprocessor
    preprocessor.pop("second", None)  # a second source is among the channels
    resolve_from_spec(cfg, spec, "the scene")
    cfg.randomness = dict(seed=seed)
    return cfg


def train_network(cfg: Config, table: WindowTable, name: str, pace: Pace) -> nn.Module:
    """Train a network as its config says.

    Args:
        cfg: Of :func:`network_config`; it is not changed.
        table: What it learns from.
        name: Of the run, for mmengine.
        pace: Ends it where it would be late.

    Returns:
        The network in evaluation mode.

    Raises:
        OutOfTimeError: If it is ended.
    """
    cfg = cfg.copy()
    for section in ("test_dataloader", "test_evaluator", "test_cfg", "val_dataloader", "val_evaluator", "val_cfg"):
        cfg[section] = None
    cfg.default_hooks.update(checkpoint=None, logger=None)
    cfg.log_level = "ERROR"
    cfg.train_dataloader.collate_fn = dict(type="pseudo_collate")
    with tempfile.TemporaryDirectory(prefix="mmhsi-") as folder, randomness_kept():
        cfg.work_dir, cfg.experiment_name = folder, name
        runner = CheckedRunner.from_cfg(cfg)
        # mmengine copies the config of a loader with all that is in it, but no function.
        runner._train_dataloader = {**cfg.train_dataloader, "dataset": {"type": lambda: table}}
        runner.register_hook(Deadline(pace))
        network: nn.Module = runner.train()
    return network.eval()


@torch.inference_mode()
def network_scores(network: Any, table: WindowTable) -> NDArray[np.float64]:
    """Class probabilities of windows, (n, K).

    Args:
        network: A classifier of pixels.
        table: The windows.
    """
    device = next(network.parameters()).device
    parts = [network.predict_scores(part.to(device)).cpu() for part in table.inputs().split(BATCH)]
    scores: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return scores


def member_config(cfg: Config, candidate: Candidate, columns: tuple[int, int | None], weight: float) -> dict[str, Any]:
    """A trained network as a member of :class:`mmhsi.models.ClassifierMembers`.

    Args:
        cfg: Of :func:`network_config`.
        candidate: Whose it is.
        columns: First and last channel that it sees.
        weight: What it counts.
    """
    model = cfg.model.to_dict()
    model["data_preprocessor"] = dict(type="ScenePreprocessor", num_bands=cfg.model.data_preprocessor.num_bands)
    model["backbone"].pop("init_cfg", None)
    start, stop = columns
    return dict(model=model, start=start, stop=stop, window=candidate.window, weight=float(weight))
