"""From features to values in their own units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..losses.regression import GaussianNLLLoss, ValueLoss
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class RegressionHead(QuietInit):
    """A linear layer from a feature vector to values, which are learnt as multiples of their standard deviation.

    Args:
        in_channels: Features F.
        num_targets: T. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        target_mean: T means of the targets. Default: those of the training samples; they are kept with the weights.
        target_std: T standard deviations, likewise.
        loss: Config of a loss of :mod:`mmhsi.models.losses.regression`. Default: ``dict(type='HuberLoss')``.

    Raises:
        ConfigError: If the targets are missing, or means and deviations do not fit them.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(
        self,
        in_channels: int,
        num_targets: int | None = None,
        target_mean: Sequence[float] | None = None,
        target_std: Sequence[float] | None = None,
        loss: dict | None = None,
    ) -> None:
        super().__init__()
        if num_targets is None:
            raise ConfigError("RegressionHead: num_targets is missing; build the runner with build_runner(cfg)")
        for name, given, default in (("target_mean", target_mean, 0.0), ("target_std", target_std, 1.0)):
            values = torch.tensor([default] * num_targets if given is None else list(given), dtype=torch.float64)
            if values.shape != (num_targets,) or (name == "target_std" and not (values > 0).all()):
                raise ConfigError(
                    f"RegressionHead: {name}={given} given, expected one number for each of {num_targets}"
                )
            self.register_buffer(name, values.float())
        built = MODELS.build(dict(type="HuberLoss") if loss is None else loss)
        if not isinstance(built, ValueLoss):
            raise ConfigError(f"RegressionHead: {type(built).__name__} is no loss of values, such as HuberLoss")
        self.loss_module = built
        self.num_targets = num_targets
        self.fc = nn.Linear(in_channels, num_targets * built.outputs)

    @property
    def num_outputs(self) -> int:
        """Numbers that :meth:`values` gives: T values, and as many standard deviations where the loss learns them."""
        return self.fc.out_features

    def forward(self, features: tuple[Tensor, ...]) -> Tensor:
        """Scaled values.

        Args:
            features: Of the neck; the last, (B, F), is used.

        Returns:
            Shape (B, :attr:`num_outputs`).
        """
        return self.fc(features[-1])

    def loss(self, features: tuple[Tensor, ...], data_samples: list) -> dict[str, Tensor]:
        """The loss of a batch.

        Args:
            features: Of the neck; the last, (B, F), is used.
            data_samples: B samples with ``gt_value`` (T,), NaN where unknown.
        """
        return {"loss": self.loss_of(features[-1], torch.stack([sample.gt_value for sample in data_samples]))}

    def loss_of(self, features: Tensor, truth: Tensor) -> Tensor:
        """The loss of feature vectors.

        Args:
            features: Shape (n, F).
            truth: Values in their units, (n, T), NaN where unknown.
        """
        return self.loss_module(self((features,)), (truth - self.target_mean) / self.target_std)

    def values(self, outputs: Tensor) -> Tensor:
        """Values in their units.

        Args:
            outputs: Of :meth:`forward`, (B, T) or (B, 2 · T).

        Returns:
            float32, same shape: values, then standard deviations.
        """
        first, second = outputs.float()[:, : self.num_targets], outputs.float()[:, self.num_targets :]
        values = [first * self.target_std + self.target_mean]
        if isinstance(self.loss_module, GaussianNLLLoss):
            values.append(self.loss_module.variance(second).sqrt() * self.target_std)
        return torch.cat(values, dim=1)
