"""Fits the preprocessor's band statistics to the training data."""

from __future__ import annotations

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch.utils.data import Dataset

from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors import BandPreprocessor
from mmhsi.registry import HOOKS


@HOOKS.register_module()
class FitPreprocessorHook(Hook):
    """Before training, fits mean and std unless they are set, and checks that data and model agree on the bands.

    They are set where the config gives them or a resumed checkpoint holds them. The dataset's ``band_statistics`` are
    used, over the training data alone; they are saved with the weights.
    """

    priority = "VERY_HIGH"

    def before_train(self, runner: Runner) -> None:
        """Check and fit.

        Raises:
            ConfigError: If the numbers of bands differ, or statistics are needed that the dataset cannot give.
        """
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        preprocessor = model.data_preprocessor
        if not isinstance(preprocessor, BandPreprocessor):
            return
        dataset = runner.train_dataloader.dataset
        second = getattr(preprocessor, "second_normaliser", None)
        if second is not None:
            self._fit(second, dataset, "second_statistics", runner)
        self._fit(preprocessor, dataset, "band_statistics", runner)

    @staticmethod
    def _fit(preprocessor: BandPreprocessor, dataset: Dataset, method: str, runner: Runner) -> None:
        """Fit one source unless it is fitted."""
        if bool(preprocessor.fitted):
            return
        if not hasattr(dataset, method):
            raise ConfigError(f"{type(dataset).__name__} has no {method}; give mean and std in model.data_preprocessor")
        statistics = getattr(dataset, method)()
        if len(statistics.mean) != preprocessor.num_bands:
            raise ConfigError(
                f"train_dataloader.dataset gives {len(statistics.mean)} bands, the model expects "
                f"model.data_preprocessor.num_bands={preprocessor.num_bands}"
            )
        preprocessor.fit(torch.from_numpy(statistics.mean).float(), torch.from_numpy(statistics.std).float())
        runner.logger.info("Fitted mean and std of %d bands to %d pixels", preprocessor.num_bands, statistics.count)
