"""Checkpoints that a killed run can always go on from, exactly."""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.io.files import remove_begun, replacing, write_whole
from mmhsi.registry import HOOKS

from ..run_identity import check_same_run, describe_run, follow_schedule
from ..runners import our_loader_alone
from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from collections.abc import Callable

OUTDATED = "outdated_ckpts"
"""Entry of the message hub: names of checkpoints that go when the one that holds this is on the disk."""
OF_A_RUN = re.compile(r"(best_[\w.-]+_)?(epoch|iter)_\d+\.pth")


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's checkpoints, written so that a run killed at any moment loses nothing and resumes exactly.

    - A file appears under its name when it is complete; a full disk or a kill leaves the earlier ones.
    - An outdated checkpoint is removed after the new one is written, not before, and from the run's own folder alone: a
      resumed run has its name from a file. The new one says which it is, so that a resumed run removes what the killed
      one no more did.
    - Gradients that are still accumulating (``accumulative_counts``) are saved too, averaged over ranks; not with FSDP.
    - A resumed run repeats the validation that was due at its checkpoint, since the interrupted run may have been
      killed during it. Doing it twice changes nothing.
    - A checkpoint says what its run is; a run of other data, model or optimiser does not go on from it. A longer
      training and another schedule are followed (:mod:`mmhsi.engine.run_identity`).

    Arguments are those of mmengine's ``CheckpointHook``. With another storage in ``backend_args``, what a kill leaves
    behind is up to that storage.

    Raises:
        ConfigError: In training, if ``by_epoch=False`` is given with an epoch loop, which can only resume at epochs.
    """

    # Metrics of which save_best keeps the greatest.
    _default_greater_keys = [*CheckpointHook._default_greater_keys, "OA", "AA", "Kappa", "PSNR", "SSIM"]
    file_backend: Any
    _pending: dict[str, Tensor] = {}
    _other_schedule = False

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
        if self._other_schedule:
            follow_schedule(runner)
        super().before_train(runner)
        self.file_backend = DeferredRemoval(
            self.file_backend, self.out_dir, partial(runner.message_hub.update_info, OUTDATED)
        )
        if is_main_process():
            for folder in {Path(self.out_dir), Path(runner.work_dir)}:
                remove_begun(folder)
        for name, parameter in unwrap_model(runner).named_parameters():
            if name in self._pending:
                parameter.grad = self._pending[name].to(parameter.device)
        if runner._resume:
            if is_main_process():
                self.file_backend.remove_noted(runner.message_hub.runtime_info.get(OUTDATED))
            # So that the checkpoint is written again if the validation finds it to be the best.
            self.last_ckpt = runner.message_hub.runtime_info.get("last_ckpt")
            if validation_due(runner):
                runner.val_loop.run()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Take over the waiting gradients of the run that is resumed, if it is the same.

        Raises:
            ConfigError: If it is another run.
            FileFormatError: If the checkpoint lacks what it takes to go on exactly.
        """
        if runner._resume:
            _check_state(checkpoint, runner)
            self._pending = checkpoint.get("pending_gradients", {})
            self._other_schedule = check_same_run(checkpoint["meta"], describe_run(runner))

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Add what the run is, and the waiting gradients."""
        checkpoint["meta"]["run"] = describe_run(runner)
        if self._pending and "optimizer" in checkpoint:
            checkpoint["pending_gradients"] = self._pending

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict) -> None:
        # At the end of a step; all ranks come here, and rank 0 alone to before_save_checkpoint. As mmengine has it, but
        # for the order: what is outdated goes when the new file and its name as the last one are on the disk.
        self._pending = waiting_gradients(runner)
        kept = self.keep_ckpt_ids if self.max_keep_ckpts > 0 else None
        if kept is not None and (not kept or kept[-1] != step):
            if len(kept) == self.max_keep_ckpts and is_main_process():
                self.file_backend.remove(self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(kept[0])))
            kept.append(step)  # which drops the first
            runner.message_hub.update_info("keep_ckpt_ids", list(kept))
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        self._writer(runner).save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        if is_main_process():
            write_whole(Path(runner.work_dir) / "last_checkpoint", self.last_ckpt)
        self.file_backend.flush()

    def _save_best_checkpoint(self, runner: Runner, metrics: dict) -> None:
        super()._save_best_checkpoint(self._writer(runner), metrics)
        self.file_backend.flush()

    def _publish_model(self, runner: Runner, ckpt_path: str) -> None:
        with our_loader_alone():
            super()._publish_model(runner, ckpt_path)

    def _writer(self, runner: Any) -> Any:
        local = self.backend_args is None and self.file_client_args is None
        return WholeFiles(runner) if local and not isinstance(runner, WholeFiles) else runner


class WholeFiles:
    """A run whose checkpoints are written under a temporary name, flushed to the disk, and renamed.

    A kill while it writes, or a full disk, leaves the earlier file of that name as it was.

    Args:
        runner: The run, which does the rest.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def save_checkpoint(self, out_dir: str, filename: str, *args: object, **kwargs: object) -> None:
        """Save a checkpoint; arguments are those of mmengine's runners.

        Raises:
            DataError: The disk refuses.
        """
        if not is_main_process():  # takes part where the model is spread over processes, and writes nothing
            self._runner.save_checkpoint(out_dir, filename, *args, **kwargs)
            return
        with replacing(Path(out_dir) / filename) as temporary:
            self._runner.save_checkpoint(out_dir, temporary.name, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)


class DeferredRemoval:
    """A storage backend that removes checkpoints of one folder at :meth:`flush`, and nothing else.

    Args:
        backend: The backend that does the rest.
        folder: The run's.
        note: Is told the names of the files that are to be removed whenever they change.
    """

    def __init__(self, backend: Any, folder: str, note: Callable[[list[str]], object]) -> None:
        self._backend = backend
        self._folder = folder
        self._note = note
        self._outdated: list[str] = []

    def isfile(self, path: str) -> bool:
        """Whether there is such a file, and it is a checkpoint of the folder."""
        folder, name = os.path.split(path)
        own = os.path.realpath(folder) == os.path.realpath(self._folder) and name.endswith(".pth")
        return own and self._backend.isfile(path)

    def isdir(self, path: str) -> bool:
        """False: no checkpoint of ours is a folder."""
        return False

    def remove(self, path: str) -> None:
        """Remember a file."""
        if self.isfile(path):
            self._outdated.append(path)
            self._note([Path(outdated).name for outdated in self._outdated])

    def remove_noted(self, names: object) -> None:
        """Remove what an interrupted run had noted and no more removed.

        Args:
            names: As a file brought them; what is no name of a checkpoint of a run is left alone.
        """
        for name in names if isinstance(names, list) else ():
            if isinstance(name, str) and OF_A_RUN.fullmatch(name):
                self.remove(self._backend.join_path(self._folder, name))
        self.flush()

    def flush(self) -> None:
        """Remove the files."""
        for path in self._outdated:
            self._backend.remove(path)
        self._outdated.clear()
        self._note([])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def _check_state(checkpoint: dict, runner: Runner) -> None:
    """Refuse a checkpoint from which mmengine would go on as if the optimiser, or a schedule, began anew."""
    for part, needed in (("optimizer", True), ("param_schedulers", bool(runner.cfg.get("param_scheduler")))):
        if needed and part not in checkpoint:
            raise FileFormatError(
                f"{runner._load_from}: cannot be resumed, it has no {part}; --cfg-options load_from=FILE begins with "
                "its weights"
            )
    pending = checkpoint.get("pending_gradients", {})
    if not isinstance(pending, dict) or not all(isinstance(value, Tensor) for value in pending.values()):
        raise FileFormatError(f"{runner._load_from}: its pending_gradients are no tensors by name")


def waiting_gradients(runner: Runner) -> dict[str, Tensor]:
    """Gradients that no step has used yet, after the step that is ending; none without accumulation, or of shards."""
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
    """Whether the loop validates at the epoch or iteration from which a resumed run goes on."""
    loop = runner.train_loop
    if runner.val_loop is None or not runner.iter:
        return False
    done, last = (
        (runner.epoch, runner.max_epochs) if isinstance(loop, EpochBasedTrainLoop) else (runner.iter, runner.max_iters)
    )
    return done >= loop.val_begin and (done % loop.val_interval == 0 or done == last)
