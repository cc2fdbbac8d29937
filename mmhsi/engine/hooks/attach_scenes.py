"""Tells the preprocessor which scenes the loaders' batches will be of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.hooks import Hook

from mmhsi.models.preprocessors import attach_scenes
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class AttachScenesHook(Hook):
    """Before training, validation and test, attaches the loader's scene to the model's preprocessor.

    Batches of :func:`mmhsi.datasets.collate_pixels` name pixels alone; the preprocessor gathers their windows from the
    scene, which is on the device once, whichever of the loaders hold an equal one. Loaders of tiles need nothing.
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        """Attach the training scene."""
        attach_scenes(unwrap_model(runner).data_preprocessor, runner.train_dataloader.dataset)

    def before_val(self, runner: Runner) -> None:
        """Attach the validation scene."""
        attach_scenes(unwrap_model(runner).data_preprocessor, runner.val_dataloader.dataset)

    def before_test(self, runner: Runner) -> None:
        """Attach the test scene."""
        attach_scenes(unwrap_model(runner).data_preprocessor, runner.test_dataloader.dataset)
