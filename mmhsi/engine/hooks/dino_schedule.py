"""What changes from step to step of self-distillation, beside what mmengine's parameter schedulers change."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

from mmengine.hooks import Hook
from torch.distributed.fsdp import FullyShardedDataParallel

from mmhsi.errors import ConfigError
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmengine.runner import Runner


@HOOKS.register_module()
class DINOScheduleHook(Hook):
    """Sets the teacher's temperature, moves the teacher, and keeps the prototypes still at first (DINOv2).

    All three depend on the iteration alone, so that a resumed run continues as an uninterrupted one. Learning rate and
    weight decay are left to mmengine's ``param_scheduler``.

    The prototypes are frozen by a learning rate of 0 during the step, which stops weight decay too;
    :class:`mmhsi.engine.LayerDecayOptimWrapperConstructor` marks which parameters they are.

    Args:
        teacher_temperature: At the start and after the warm-up, between them linear. Default 0.04 to 0.07.
        warmup_epochs: Epochs of that warm-up. Default 30.
        momentum: Share of the teacher that stays in a step, at the start and at the end of training, between them along
            a cosine. Default 0.992 to 1.
        freeze_last_layer_epochs: Epochs without a change of the prototypes. Default 1.

    Raises:
        ConfigError: If an argument is out of range.
    """

    priority = "NORMAL"  # before ParamSchedulerHook, which multiplies the learning rates

    def __init__(
        self,
        teacher_temperature: Sequence[float] = (0.04, 0.07),
        warmup_epochs: float = 30,
        momentum: Sequence[float] = (0.992, 1.0),
        freeze_last_layer_epochs: float = 1,
    ) -> None:
        for name, values in (("teacher_temperature", teacher_temperature), ("momentum", momentum)):
            if len(values) != 2 or not all(0 < value <= 1 for value in values):
                raise ConfigError(f"DINOScheduleHook: {name}={values} given, expected two values above 0, at most 1")
        for name, epochs in (("warmup_epochs", warmup_epochs), ("freeze_last_layer_epochs", freeze_last_layer_epochs)):
            if epochs < 0:
                raise ConfigError(f"DINOScheduleHook: {name}={epochs} given, expected at least 0")
        self.teacher_temperature = tuple(teacher_temperature)
        self.warmup_epochs = warmup_epochs
        self.momentum = tuple(momentum)
        self.freeze_last_layer_epochs = freeze_last_layer_epochs
        self._resting: list[tuple[dict, float]] = []

    def temperature_at(self, iteration: int, epoch_length: int) -> float:
        """The teacher's temperature in a step, counted from 0.

        Args:
            iteration: The step.
            epoch_length: Steps an epoch.
        """
        start, end = self.teacher_temperature
        warmup = self.warmup_epochs * epoch_length
        return end if iteration >= warmup else start + (end - start) * iteration / warmup

    def momentum_at(self, iteration: int, iterations: int) -> float:
        """The share of the teacher that stays after a step, counted from 0, of a run of so many.

        Args:
            iteration: The step.
            iterations: Steps of the run.
        """
        start, end = self.momentum
        return end - (end - start) * (1 + math.cos(math.pi * iteration / iterations)) / 2

    def before_train(self, runner: Runner) -> None:
        """Check model and optimiser.

        Raises:
            ConfigError: If the model is no DINOv2, or the prototypes cannot be told from other parameters.
        """
        model = unwrap_model(runner)
        if not isinstance(model, DINOv2):
            raise ConfigError(f"DINOScheduleHook: model is {type(model).__name__}, expected DINOv2")
        if self.freeze_last_layer_epochs and not any("last_layer" in group for group in self._groups(runner)):
            raise ConfigError(
                "DINOScheduleHook: freeze_last_layer_epochs needs optim_wrapper.constructor="
                "'LayerDecayOptimWrapperConstructor'"
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict | None = None) -> None:
        """Set the temperature; freeze the prototypes for this step."""
        epoch_length = len(runner.train_dataloader)
        unwrap_model(runner).teacher_temperature = self.temperature_at(runner.iter, epoch_length)
        if runner.iter < self.freeze_last_layer_epochs * epoch_length:
            self._resting = [(group, group["lr"]) for group in self._groups(runner) if group.get("last_layer")]
            for group, _ in self._resting:
                group["lr"] = 0.0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Give the prototypes their learning rate back; move the teacher if the student was."""
        for group, rate in self._resting:
            group["lr"] = rate
        self._resting = []
        if runner.optim_wrapper.should_update():
            # Shards of teacher and student do not begin at the same parameters: both are put together for this.
            sharded = isinstance(runner.model, FullyShardedDataParallel)
            with FullyShardedDataParallel.summon_full_params(runner.model) if sharded else nullcontext():
                unwrap_model(runner).update_teacher(self.momentum_at(runner.iter, runner.max_iters))

    @staticmethod
    def _groups(runner: Runner) -> list[dict]:
        return runner.optim_wrapper.param_groups
