"""Classical regressors of pixels, behind the same data, metric and commands as the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..regressors import PixelRegressor
from .samples import KeepsSamples, centres
from .value_learner import ValueLearner

if TYPE_CHECKING:
    from numpy.typing import NDArray


@MODELS.register_module()
class ClassicalRegressor(KeepsSamples, PixelRegressor):
    """Learns values from the centre pixels of the training windows, as the preprocessor gives them, in one epoch.

    Use windows of one pixel, and :class:`mmhsi.datasets.transforms.SceneChannels` for what lies around.

    Args:
        backbone: Config of the learner, such as ``dict(type='Ridge')``.
        num_targets: T. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        data_preprocessor: Config of the preprocessor, e.g. :class:`mmhsi.models.ScenePreprocessor`.
        init_cfg: mmengine's; there is nothing to initialise.

    Raises:
        ConfigError: If the backbone is no classical regressor, or the number of targets is missing.
    """

    truth_name = "values"

    def __init__(
        self,
        backbone: dict,
        num_targets: int | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(backbone, data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if not isinstance(self.backbone, ValueLearner):
            raise ConfigError(f"ClassicalRegressor: {type(self.backbone).__name__} is no classical regressor")
        if num_targets is None:
            raise ConfigError("ClassicalRegressor: num_targets is missing; build the runner with build_runner(cfg)")
        self._num_targets = num_targets
        self.keep_none(torch.zeros(0, num_targets, 2))

    @property
    def num_targets(self) -> int:
        """T."""
        return self._num_targets

    @property
    def num_outputs(self) -> int:
        """T."""
        return self._num_targets

    def keep_batch(self, samples: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Take samples in with their values; arguments as for :meth:`KeepsSamples.keep_batch`."""
        return self.keep_values(samples, torch.stack([sample.gt_value for sample in data_samples]))

    def keep_values(self, samples: Tensor, values: Tensor) -> dict[str, Tensor]:
        """Take samples in; what is unknown is marked, since a state that is not finite counts as damaged.

        Args:
            samples: Shape (n, F).
            values: Shape (n, T), NaN where unknown.

        Returns:
            What is logged of the step.
        """
        known = values.isfinite()
        return self.keep(samples, torch.stack([torch.where(known, values, 0), known.to(values)], dim=2))

    def learnable(self) -> NDArray[np.float32]:
        """Values (n, T), NaN where unknown."""
        values, known = self.truth.cpu().numpy().transpose(2, 0, 1)
        return np.where(known > 0, values, np.float32(np.nan))

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Values of windows; arguments as for :meth:`PixelClassifier.predict_scores`.

        Returns:
            Shape (B, T).
        """
        assert isinstance(self.backbone, ValueLearner)  # the constructor sees to it
        return self.scores(self.backbone, centres(inputs), self._num_targets)
