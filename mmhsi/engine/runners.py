"""mmengine's runners and strategies under their own names, reading checkpoints as data.

mmengine's loader unpickles what it is given, from the network too, and its runners execute the config's text in the
metadata. In scope ``mmhsi`` a ``runner_type`` or a ``strategy`` of these names is one of the classes below.
"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine._strategy import BaseStrategy, DDPStrategy, FSDPStrategy, SingleDeviceStrategy
from mmengine.device import get_device
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, FlexibleRunner, Runner
from mmengine.runner.checkpoint import _load_checkpoint_to_model
from torch import nn

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.io.files import reading
from mmhsi.models.weights import read_checkpoint
from mmhsi.registry import RUNNERS, STRATEGIES

from . import quiet_logging
from .formatter import import_formatter
from .unwrap import unwrap_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mmengine.config import Config
    from mmengine.logging import MMLogger

REVISED = [(r"^module.", "")]
"""mmengine's default: names of weights of a wrapped model."""

RUNS = itertools.count(1)
"""Numbers of the runners of this process."""
BEGINNINGS = ("before_train", "before_val", "before_test")
"""Hooks behind which nothing refuses a run any more."""


class ReadsCheckpointsAsData:
    """Marks the runners and strategies that run nothing of a checkpoint."""


def read_run(path: str | Path, map_location: str | torch.device | Callable = "cpu") -> dict:
    """Read a checkpoint, and if it holds the state of a run, give mmengine's message hub what it expects.

    Args:
        path: The file.
        map_location: Where its tensors go; ``'default'`` is the device of the run.

    Raises:
        ConfigError: If ``map_location`` is a function.
        FileFormatError: If the file cannot be read, or its message hub is none.
    """
    if not isinstance(map_location, str | torch.device):
        raise ConfigError(f"checkpoint {path}: map_location is a function, expected the name of a device")
    checkpoint = read_checkpoint(path, get_device() if map_location == "default" else map_location)
    if "message_hub" in checkpoint:
        source = f"checkpoint {path}: its message_hub"
        _check_progress(checkpoint["meta"], path)
        _check_hub(checkpoint["message_hub"], source)
        # Others than histories mmengine itself leaves out.
        checkpoint["message_hub"]["log_scalars"] = {
            name: _history(value, f"{source}: {name!r}")
            for name, value in checkpoint["message_hub"]["log_scalars"].items()
            if isinstance(value, dict)
        }
    return checkpoint


def _check_progress(meta: dict, path: str | Path) -> None:
    for name in ("epoch", "iter"):
        if type(meta.get(name)) is not int or meta[name] < 0:
            raise FileFormatError(f"checkpoint {path}: its meta says {name} = {meta.get(name)!r}, expected a number")


def _check_hub(hub: object, source: str) -> None:
    """Refuse what mmengine's hooks would use without a look: what to compare with, and what to remove."""
    parts = ("log_scalars", "runtime_info", "resumed_keys")
    if not isinstance(hub, dict) or not all(isinstance(hub.get(part), dict) for part in parts):
        raise FileFormatError(f"{source} lacks one of {', '.join(parts)}")
    kept = hub["runtime_info"].get("keep_ckpt_ids", [])
    if not isinstance(kept, list) or not all(type(step) is int for step in kept):
        raise FileFormatError(f"{source} says keep_ckpt_ids = {kept!r}, expected numbers")
    for name, value in hub["runtime_info"].items():
        if str(name).startswith("best_score") and not isinstance(value, Real):
            raise FileFormatError(f"{source} says {name} = {value!r}, expected a number")


def _history(plain: dict, source: str) -> HistoryBuffer:
    """A history of a logged value, as mmengine has it."""
    values, counts, longest = (plain.get(name) for name in ("log_history", "count_history", "max_length"))
    rows = [array for array in (values, counts) if isinstance(array, np.ndarray) and array.ndim == 1]
    if len(rows) != 2 or len(rows[0]) != len(rows[1]) or type(longest) is not int or longest < len(rows[0]):
        raise FileFormatError(f"{source} is no row of values and their counts")
    return HistoryBuffer(values, counts, longest)


@contextmanager
def our_loader_alone() -> Iterator[None]:
    """Within the block, what calls mmengine's loader of checkpoints by itself gets ours, for every kind of place.

    Some backbones of the sister packages do, in ``init_weights``. Outside of runs the loader stays as others know it.
    """
    before = CheckpointLoader._schemes
    CheckpointLoader._schemes = {"": _load_for_others}
    try:
        yield
    finally:
        CheckpointLoader._schemes = before


def _load_for_others(filename: str, map_location: str | torch.device | None = None) -> dict:
    return read_checkpoint(filename, map_location or "cpu")


class OwnRunner(ReadsCheckpointsAsData):
    """What both runners change of mmengine's; first of all, each has a name that no other of this process has.

    By its name, which mmengine makes of the config's and of the second in which it begins, a runner finds its logger,
    its scalars and its progress: of two short runs within a second the later one wrote into the earlier one's files.

    Its config is written into the work dir when the run begins, where mmengine writes it before anything is read: one
    that is refused leaves the config of the run before it.
    """

    _has_begun = False

    def __init__(self, *args: object, experiment_name: str | None = None, cfg: Config | None = None, **kwargs: object):
        import_formatter()  # mmengine would, to log the config: in every process of a run at once
        name = experiment_name or (Path(cfg.filename).stem if cfg is not None and cfg.filename else "run")
        super().__init__(*args, experiment_name=f"{name}_{next(RUNS)}", cfg=cfg, **kwargs)  # type: ignore[call-arg]

    def build_logger(self, *args: object, **kwargs: object) -> MMLogger:
        """Build the logger, which may be :func:`told to be quiet <mmhsi.engine.quiet_logging.log_to_file_alone>`."""
        logger = super().build_logger(*args, **kwargs)  # type: ignore[misc]
        quiet_logging.apply(logger)
        return logger

    def dump_config(self) -> None:
        """Write nothing yet, when mmengine's constructor asks for it."""
        if self._has_begun:
            super().dump_config()  # type: ignore[misc]

    def call_hook(self, fn_name: str, **kwargs: object) -> None:
        """Call the hooks, and write the config when the run has begun; arguments are mmengine's."""
        super().call_hook(fn_name, **kwargs)  # type: ignore[misc]
        if fn_name in BEGINNINGS and not self._has_begun:
            self._has_begun = True
            self.dump_config()

    def resume(self, filename: str, *args: object, **kwargs: object) -> None:
        """Go on from a checkpoint; arguments are mmengine's.

        Raises:
            FileFormatError: If the file cannot be read, or does not hold the state of such a run.
        """
        with reading(filename, "no run of this config can go on from it"):
            super().resume(filename, *args, **kwargs)  # type: ignore[misc]


@RUNNERS.register_module(name="Runner")
class CheckedRunner(OwnRunner, Runner):
    """mmengine's runner; ``load_from`` and ``resume`` read weights and plain data alone."""

    def load_checkpoint(
        self,
        filename: str,
        map_location: str | torch.device | Callable = "cpu",
        strict: bool = False,
        revise_keys: list = REVISED,
    ) -> dict:
        """Load weights; arguments and result are mmengine's.

        Raises:
            FileFormatError: If the file cannot be read.
        """
        checkpoint = read_run(filename, map_location)
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        _load_checkpoint_to_model(unwrap_model(self), checkpoint, strict, revise_keys=revise_keys)
        self._has_loaded = True
        self.logger.info(f"Load checkpoint from {filename}")
        return checkpoint

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model; arguments are mmengine's."""
        with our_loader_alone():
            return super().build_model(model)

    def _init_model_weights(self) -> None:
        with our_loader_alone():
            super()._init_model_weights()

    def _maybe_compile(self, target: str) -> None:
        """Compile the forward pass in place of mmengine's whole step, whose bookkeeping some compilers fail on."""
        super()._maybe_compile("forward")


class CheckedStrategy(ReadsCheckpointsAsData, BaseStrategy):
    """A strategy of mmengine's that reads weights and plain data alone."""

    def load_checkpoint(
        self,
        filename: str,
        *,
        map_location: str | torch.device | Callable = "cpu",
        strict: bool = False,
        revise_keys: list = REVISED,
        callback: Callable | None = None,
    ) -> dict:
        """Load weights; arguments and result are mmengine's.

        Raises:
            FileFormatError: If the file cannot be read.
        """
        self.logger.info(f"Load checkpoint from {filename}")
        checkpoint = read_run(filename, map_location)
        if callback is not None:
            callback(checkpoint)
        self.load_model_state_dict(checkpoint.pop("state_dict"), strict=strict, revise_keys=revise_keys)
        return checkpoint

    def build_model(self, model: nn.Module | dict) -> nn.Module:
        """Build the model; arguments are mmengine's."""
        with our_loader_alone():
            return super().build_model(model)

    def _init_model_weights(self, model: nn.Module) -> nn.Module:
        with our_loader_alone():
            return super()._init_model_weights(model)


@STRATEGIES.register_module(name="SingleDeviceStrategy")
class CheckedSingleDeviceStrategy(CheckedStrategy, SingleDeviceStrategy):
    """One process."""


@STRATEGIES.register_module(name="DDPStrategy")
class CheckedDDPStrategy(CheckedStrategy, DDPStrategy):
    """Every process has the whole model."""


@STRATEGIES.register_module(name="FSDPStrategy")
class CheckedFSDPStrategy(CheckedStrategy, FSDPStrategy):
    """Every process has a part of the model; checkpoints hold all of it.

    Args:
        **kwargs: mmengine's.

    Raises:
        ConfigError: If ``state_dict_cfg`` is not ``'full'``.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if not self._is_full_state_dict():
            raise ConfigError(
                "FSDPStrategy: with state_dict_cfg='local', mmengine's default, every process writes a part of the "
                "checkpoint, from which nothing here goes on; expected state_dict_cfg='full'"
            )


@RUNNERS.register_module(name="FlexibleRunner")
class CheckedFlexibleRunner(OwnRunner, FlexibleRunner):
    """mmengine's runner with a strategy, one of those above."""

    def build_strategy(
        self, strategy: BaseStrategy | dict | None = None, launcher: str = "none", *args: object, **kwargs: object
    ) -> BaseStrategy:
        """Build the strategy, by default one for a single device or, with a launcher, DDP; arguments are mmengine's.

        Raises:
            ConfigError: If it would run what is in a checkpoint.
        """
        if not isinstance(strategy, BaseStrategy):
            strategy = dict(strategy or dict(type="SingleDeviceStrategy" if launcher == "none" else "DDPStrategy"))
            if isinstance(strategy["type"], str):  # looked up here, for mmengine has no scope yet
                strategy["type"] = STRATEGIES.get(strategy["type"]) or strategy["type"]
        built = super().build_strategy(strategy, launcher, *args, **kwargs)
        if not isinstance(built, ReadsCheckpointsAsData):
            raise ConfigError(
                f"strategy: {type(built).__name__} reads checkpoints by a loader that runs what is in them; expected "
                f"{', '.join(STRATEGIES.module_dict)}"
            )
        return built
