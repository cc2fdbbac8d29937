"""Fits the preprocessor's band statistics to the training data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmengine.dist import broadcast
from mmengine.hooks import Hook

from mmhsi.models.preprocessors import BandPreprocessor, fit_preprocessor
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from mmengine.runner import Runner


@HOOKS.register_module()
class FitPreprocessorHook(Hook):
    """Before training, fits mean and std unless they are set, and checks that data and model agree on the bands.

    They are set if the config gives them or a resumed checkpoint holds them. Otherwise the training dataset's
    ``band_statistics`` are used and saved with the weights. All processes take those of the main one.
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        """Check and fit.

        Raises:
            ConfigError: If the numbers of bands differ, or statistics are needed that the dataset cannot give.
        """
        model = unwrap_model(runner)
        preprocessor = model.data_preprocessor
        if isinstance(preprocessor, BandPreprocessor):
            for bands, pixels in fit_preprocessor(preprocessor, runner.train_dataloader.dataset):
                runner.logger.info("Fitted mean and std of %d bands to %d pixels", bands, pixels)
            for name, values in preprocessor.named_buffers():
                if name.endswith(("mean", "std")):
                    broadcast(values)
            preprocessor.statistics_changed()
