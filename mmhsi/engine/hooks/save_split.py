"""Keeps the split of a run beside its results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.dist import master_only
from mmengine.hooks import Hook

from mmhsi.datasets import Split, save_split
from mmhsi.registry import HOOKS

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class SaveSplitHook(Hook):
    """Writes the training dataset's split to ``split.npz`` in the work dir; :class:`mmhsi.datasets.FileSplit` reads it.

    Datasets without a split are left alone.
    """

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Write the split."""
        split = getattr(runner.train_dataloader.dataset, "split", None)
        if isinstance(split, Split):
            save_split(Path(runner.work_dir) / "split.npz", split)
