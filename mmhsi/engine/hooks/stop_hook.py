"""Ends a run that is asked to stop, with a checkpoint of where it stands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop

if TYPE_CHECKING:
    from collections.abc import Callable

    from mmengine.runner import Runner

TOGETHER = 10
"""Steps after which the processes of a distributed run tell each other: each time costs one exchange."""


class RunStopped(Exception):  # noqa: N818, no error
    """A run ended because it was asked to; says where, and what is saved."""


class StopHook(Hook):
    """Saves a checkpoint and raises :class:`RunStopped`, once the run is asked to stop.

    A loop that counts iterations stops after the one at hand; one that counts epochs, which can go on at their ends
    alone, at the end of the epoch. A validation or a test is left at once, for a run that goes on repeats it.

    Args:
        asked: Whether to stop; looked at often.
    """

    priority = "LOWEST"  # when all others have done their part of the step, checkpoints included

    def __init__(self, asked: Callable[[], bool]) -> None:
        self._asked = asked

    def before_train(self, runner: Runner) -> None:
        """Stop before the first step."""
        if self._stop():
            raise RunStopped("before its first step")

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Stop a loop that counts iterations."""
        step = runner.iter + 1
        if not isinstance(runner.train_loop, EpochBasedTrainLoop) and self._stop(step):
            raise RunStopped(self._save(runner, step, dict(epoch=runner.epoch, iter=step)))

    def after_train_epoch(self, runner: Runner) -> None:
        """Stop a loop that counts epochs."""
        step = runner.epoch + 1
        if isinstance(runner.train_loop, EpochBasedTrainLoop) and self._stop():
            raise RunStopped(self._save(runner, step, dict(epoch=step, iter=runner.iter)))

    def after_val_iter(self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None) -> None:
        """Leave a validation, unless what was trained before it has yet to be saved, at its end."""
        if self._stop(batch_idx + 1) and self._is_saved(runner):
            raise RunStopped(f"in a validation, {self._hook(runner).last_ckpt} is there")

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Save what was trained before a validation."""
        if self._stop():
            step = self._step(runner)
            raise RunStopped(self._save(runner, step, dict(epoch=runner.epoch, iter=runner.iter)))

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Leave a test."""
        if self._stop(batch_idx + 1):
            raise RunStopped("in a test")

    def _stop(self, step: int = 0) -> bool:
        """Whether any process was asked to; of several, at steps at which all of them come here."""
        if get_world_size() == 1:
            return self._asked()
        if step % TOGETHER:
            return False
        asked = torch.tensor(float(self._asked()))
        all_reduce(asked, op="max")
        return bool(asked)

    def _save(self, runner: Runner, step: int, meta: dict) -> str:
        """Save a checkpoint, if there is none of this step, and say which."""
        hook = self._hook(runner)
        if hook is None:
            return "nothing was saved, the config has no checkpoint hook"
        if not self._is_saved(runner, step):
            hook._save_checkpoint_with_step(runner, step, meta)
        return f"{hook.last_ckpt} is there"

    def _is_saved(self, runner: Runner, step: int | None = None) -> bool:
        hook = self._hook(runner)
        name = hook and hook.filename_tmpl.format(self._step(runner) if step is None else step)
        return bool(name) and Path(str(hook.last_ckpt)).name == name

    def _step(self, runner: Runner) -> int:
        return runner.epoch if isinstance(runner.train_loop, EpochBasedTrainLoop) else runner.iter

    def _hook(self, runner: Runner) -> Any:
        return next((hook for hook in runner.hooks if isinstance(hook, CheckpointHook)), None)
