"""Checkpoints that a killed run can always go on from, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from mmhsi.errors import ConfigError
from mmhsi.registry import HOOKS

from ..atomic_backend import remove_temporaries
from ..unwrap import unwrap_model


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's checkpoints, written so that a run killed at any moment loses nothing and resumes exactly.

    - A file appears under its name when it is complete; a full disk or a kill leaves the earlier ones.
    - An outdated checkpoint is removed after the new one is written, not before.
    - Gradients that are still accumulating (``accumulative_counts``) are saved too, averaged over ranks; not with FSDP.
    - A resumed run repeats the validation that was due at its checkpoint, since the interrupted run may have been
      killed during it. Doing it twice changes nothing.

    Arguments are those of mmengine's ``CheckpointHook``. With another storage in ``backend_args``, what a kill leaves
    behind is up to that storage.

    Raises:
        ConfigError: In training, if ``by_epoch=False`` is given with an epoch loop, which can only resume at epochs.
    """

    # Metrics of which save_best keeps the greatest.
    _default_greater_keys = [*CheckpointHook._default_greater_keys, "OA", "AA", "Kappa", "PSNR", "SSIM"]
    file_backend: Any
    _pending: dict[str, Tensor] = {}

    def before_train(self, runner: Runner) -> None:
        """Check the loop, tidy up after a killed run, and catch up with what it may not have done.

        Raises:
            ConfigError: If checkpoints would fall inside epochs, from where an epoch loop cannot go on.
        """
        if isinstance(runner.train_loop, EpochBasedTrainLoop) and not self.by_epoch:
            raise ConfigError(
                "checkpoint hook: by_epoch=False given, but training counts epochs, and a run resumes at their ends "
                "alone; expected by_epoch=True"
            )
        super().before_train(runner)
        self.file_backend = DeferredRemoval(self.file_backend)
        if is_main_process():
            remove_temporaries(Path(self.out_dir))
        for name, parameter in unwrap_model(runner).named_parameters():
            if name in self._pending:
                parameter.grad = self._pending[name].to(parameter.device)
        if runner._resume and validation_due(runner):
            runner.val_loop.run()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take over the waiting gradients of the run that is resumed."""
        if runner._resume:
            self._pending = checkpoint.get("pending_gradients", {})

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add the waiting gradients."""
        if self._pending and "optimizer" in checkpoint:
            checkpoint["pending_gradients"] = self._pending

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        # At the end of a step; all ranks come here, and rank 0 alone to before_save_checkpoint.
        self._pending = waiting_gradients(runner)
        super()._save_checkpoint_with_step(runner, step, meta)
        self.file_backend.flush()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        super()._save_best_checkpoint(runner, metrics)
        self.file_backend.flush()


class DeferredRemoval:
    """A storage backend that removes files at :meth:`flush`, in place of at once.

    Args:
        backend: The backend that does the rest.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self._outdated: list[str] = []

    def remove(self, path: str) -> None:
        """Remember a file.

        Args:
            path: The file.
        """
        self._outdated.append(path)

    def flush(self) -> None:
        """Remove the files."""
        for path in self._outdated:
            self._backend.remove(path)
        self._outdated.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def waiting_gradients(runner: Runner) -> dict[str, Tensor]:
    """Gradients that no step has used yet, after the step that is ending; none without accumulation, or of shards.

    Args:
        runner: The run.
    """
    if runner.optim_wrapper.should_update() or isinstance(runner.model, FullyShardedDataParallel):
        return {}
    gradients = {}
    for name, parameter in unwrap_model(runner).named_parameters():
        if parameter.grad is not None:
            mean = parameter.grad.detach().clone()
            all_reduce(mean, op="mean")
            gradients[name] = mean.cpu()
    return gradients


def validation_due(runner: Runner) -> bool:
    """Whether the loop validates at the epoch or iteration from which a resumed run goes on.

    Args:
        runner: The run.
    """
    loop = runner.train_loop
    if runner.val_loop is None or not runner.iter:
        return False
    done, last = (
        (runner.epoch, runner.max_epochs) if isinstance(loop, EpochBasedTrainLoop) else (runner.iter, runner.max_iters)
    )
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == last)
