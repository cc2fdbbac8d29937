"""Stops a run whose loss is NaN or infinite, and keeps what is needed to find out why."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import CheckpointHook, Hook
from mmengine.optim import AmpOptimWrapper
from torch import Tensor, nn
from torch.distributed.fsdp import FullyShardedDataParallel

from mmhsi.errors import ConfigError, TrainingError, counted
from mmhsi.models.weights import write_checkpoint
from mmhsi.registry import HOOKS
from mmhsi.spec import InputSpec

from ..unwrap import unwrap_model
from .batch_report import describe_batch, model_inputs, name_suspects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mmengine.runner import Runner


def nonfinite(tensors: Mapping[str, Tensor | None]) -> list[str]:
    """Names of the tensors that hold NaN or infinite values; the host waits for the device once if there are none.

    Args:
        tensors: By name; None stands for none.
    """
    values = {name: value for name, value in tensors.items() if value is not None and value.is_floating_point()}
    if not values:
        return []
    # A sum with such a value is not finite either. A sum of finite values may overflow: then every value is checked.
    if torch.stack([value.detach().sum() for value in values.values()]).isfinite().all():
        return []
    flags = torch.stack([value.detach().isfinite().all() for value in values.values()]).tolist()
    return [name for name, finite in zip(values, flags, strict=True) if not finite]


@HOOKS.register_module()
class NonFiniteLossHook(Hook):
    """Stops training with one line when the loss is NaN or infinite, before broken weights are saved.

    The run stops after the first such step that broke the weights or pending gradients as well, since nothing repairs
    these; otherwise, as when fp16's loss scaling skips the step, after ``patience`` such steps in a row. The
    line names iteration, epoch, loss terms, suspicious samples and a dump, ``nonfinite_iter_N.pth`` in the work dir:
    weights-only as checkpoints are (:func:`mmhsi.models.read_checkpoint`), with ``losses``, ``iter``, ``epoch``,
    ``seed``, ``rank``; the batch as the model saw it, ``inputs`` and ``valid``, and ``samples`` with name, count of
    finite values, min and max of each; ``nonfinite_weights``, ``nonfinite_gradients`` (pending ones: a step clears
    them) and ``state_dict``. N and the batch are those of the first step of the row, the weights those at the end.

    Whenever a checkpoint is due, the weights are checked too, since a finite loss can have a gradient that is not.

    Healthy steps cost nothing: mmengine has already read the losses from the device for its log. Each process checks
    its own loss. One that stops ends the job; gradients are averaged, so no other process has healthy weights to save.

    Args:
        patience: Steps in a row, at least 1. Default 3.

    Raises:
        ConfigError: If ``patience`` is below 1.
    """

    priority = "HIGH"  # after RuntimeInfoHook, which reads the losses, before what moves a teacher, draws or saves

    def __init__(self, patience: int = 3) -> None:
        if patience < 1:
            raise ConfigError(f"NonFiniteLossHook: patience={patience} given, expected at least 1")
        self.patience = patience
        self.row = 0
        self.report: dict = {}
        self.expected: set[str] = set()
        self.seen: dict = {}

    def before_train(self, runner: Runner) -> None:
        """Remember what is not finite by design, such as a mask of -inf among the buffers, and look over batches."""
        self.row = 0
        module = unwrap_model(runner)
        self.expected = set(nonfinite(_tensors(module)))
        self._looking = module.data_preprocessor.register_forward_hook(self._keep)

    def after_train(self, runner: Runner) -> None:
        """Look no longer."""
        self._looking.remove()

    def _keep(self, preprocessor: nn.Module, given: tuple, made: dict) -> None:
        """Refer to what the model sees in this step; the step holds it anyhow."""
        self.seen = made

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None, outputs: dict | None = None
    ) -> None:
        """Look at the losses, and at the weights where a checkpoint may follow.

        Raises:
            TrainingError: If the run cannot go on.
        """
        seen, self.seen = self.seen, {}  # the next batch is not made beside this one
        scalars = runner.message_hub.log_scalars
        losses = {name: float(scalars[f"train/{name}"].current()) for name in outputs or {} if "loss" in name}
        healthy = all(math.isfinite(value) for value in losses.values())
        if healthy:
            self.row = 0
            if not self._checkpoint_may_follow(runner, batch_idx):
                return
        weights = self._broken(_tensors(unwrap_model(runner)))
        if healthy and not weights:
            return
        if self.row == 0:
            self.report = self._describe(runner, data_batch or {}, seen, losses)
        self.row += 1
        gradients = nonfinite({name: parameter.grad for name, parameter in unwrap_model(runner).named_parameters()})
        # A loss scaler finds such gradients itself and skips the step.
        pending = gradients and not isinstance(runner.optim_wrapper, AmpOptimWrapper)
        if weights or pending or self.row >= self.patience:
            self._stop(runner, weights, gradients)
        runner.logger.warning(
            f"Loss not finite at iteration {runner.iter + 1}, weights still are; the run stops after {self.patience} "
            f"such steps in a row, this is number {self.row}"
        )

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to save broken weights.

        Raises:
            TrainingError: If a weight is NaN or infinite.
        """
        broken = self._broken(checkpoint["state_dict"])
        if broken:
            raise TrainingError(
                f"no checkpoint saved at iteration {checkpoint['meta']['iter']}: {len(broken)} of the weights are not "
                f"finite, first {broken[0]}"
            )

    def _broken(self, state: Mapping[str, Tensor]) -> list[str]:
        return [name for name in nonfinite(state) if name not in self.expected]

    def _checkpoint_may_follow(self, runner: Runner, batch_idx: int) -> bool:
        """Whether this step ends an epoch or the run, or a CheckpointHook, which may remove old ones first, is due."""
        return (
            self.end_of_epoch(runner.train_dataloader, batch_idx)
            or self.is_last_train_iter(runner)
            or any(
                isinstance(hook, CheckpointHook)
                and not hook.by_epoch
                and self.every_n_train_iters(runner, hook.interval)
                for hook in runner.hooks
            )
        )

    @staticmethod
    def _describe(runner: Runner, data_batch: dict, seen: dict, losses: dict[str, float]) -> dict:
        """Everything about this step that a later one would change."""
        inputs, valid = model_inputs(seen)
        spec = InputSpec.of_metainfo(getattr(runner.train_dataloader.dataset, "metainfo", None))
        return dict(
            losses=losses,
            iter=runner.iter + 1,
            epoch=runner.epoch + 1,
            seed=runner.seed,
            rank=get_rank(),
            samples=describe_batch(inputs, data_batch, None if spec is None else spec.scene),
            inputs=inputs,
            valid=valid,
        )

    def _stop(self, runner: Runner, weights: list[str], gradients: list[str]) -> None:
        """Write the dump and end the run."""
        report, rank = self.report, get_rank()
        path = Path(runner.work_dir) / f"nonfinite_iter_{report['iter']}{f'_rank{rank}' if rank else ''}.pth"
        module = unwrap_model(runner)
        # One process alone cannot gather what FSDP has spread over all: then its own part is kept.
        spread = isinstance(runner.model, FullyShardedDataParallel)
        tensors = _tensors(module) if spread else module.state_dict()
        state = {name: value.detach().cpu() for name, value in tensors.items()}
        broken = dict(nonfinite_weights=weights, nonfinite_gradients=gradients)
        write_checkpoint(dict(report, **broken, state_dict=state), path)
        terms = [f"{name}={value}" for name, value in report["losses"].items() if not math.isfinite(value)]
        what = ", ".join(terms)
        if not terms:
            others = ", perhaps by another process's batch" if get_world_size() > 1 else ""
            lost = counted(len(weights), "weight is", "weights are")
            what = f"the loss is finite, but {lost} not{others}, first {weights[0]}"
        rows = f", {self.row} steps in a row" if self.row > 1 else ""
        raise TrainingError(
            f"training stopped at iteration {report['iter']} (epoch {report['epoch']}{rows}): {what}; "
            f"{name_suspects(report['samples'])}; see {path}"
        )


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers of this process."""
    return dict(chain(module.named_parameters(), module.named_buffers()))
