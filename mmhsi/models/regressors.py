"""Values of the centre pixel of a window, or of a window as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .classifiers import PixelClassifier
from .heads.regression_head import RegressionHead

if TYPE_CHECKING:
    from torch import Tensor


@MODELS.register_module()
class PixelRegressor(PixelClassifier):
    """A :class:`PixelClassifier` whose head gives values in place of classes; arguments as there.

    ``head`` is a :class:`mmhsi.models.RegressionHead`. With ``tta`` the values of a window's symmetries are averaged.

    Raises:
        ConfigError: If the head is another one.
    """

    @property
    def num_outputs(self) -> int:
        """T, or 2 · T with standard deviations."""
        return self._values_head().num_outputs

    @property
    def num_targets(self) -> int:
        """T."""
        return self._values_head().num_targets

    def _values_head(self) -> RegressionHead:
        if not isinstance(self.head, RegressionHead):
            raise ConfigError(f"{type(self).__name__}: head is {type(self.head).__name__}, expected a RegressionHead")
        return self.head

    def scored(self, outputs: Tensor) -> Tensor:
        """Values in their units, and standard deviations; arguments as for :meth:`RegressionHead.values`."""
        return self._values_head().values(outputs)

    def with_scores(self, samples: list, scores: Tensor) -> list:
        """Samples with ``pred_value`` (T,) set, and with ``pred_std`` (T,) where the model gives it.

        Args:
            samples: mmpretrain's, B of them.
            scores: Of :meth:`predict_scores`, (B, T) or (B, 2 · T).
        """
        for sample, score in zip(samples, scores, strict=True):
            sample.set_field(score[: self.num_targets], "pred_value")
            if len(score) > self.num_targets:
                sample.set_field(score[self.num_targets :], "pred_std")
        return samples
