"""Gives all processes the same running statistics of batch normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dist import all_reduce_params
from mmengine.hooks import Hook
from torch.nn.modules.batchnorm import _BatchNorm

from mmhsi.registry import HOOKS

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class SyncBatchNormHook(Hook):
    """Averages the running means and variances of batch normalisation over the processes before they are used.

    Every process has seen its own samples: without this each would evaluate another model, and the main one's would be
    saved. It happens after every training epoch, ahead of CheckpointHook, and before every validation.
    """

    priority = "NORMAL"

    def after_train_epoch(self, runner: Runner) -> None:
        """Average."""
        layers = [layer for layer in runner.model.modules() if isinstance(layer, _BatchNorm)]
        statistics = [part for layer in layers for part in (layer.running_mean, layer.running_var) if part is not None]
        if statistics:
            all_reduce_params(statistics, op="mean")

    def before_val_epoch(self, runner: Runner) -> None:
        """Average, for loops that count iterations."""
        self.after_train_epoch(runner)
