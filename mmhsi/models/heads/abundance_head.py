"""Shares of a pixel that are not negative and sum to one."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .regression_head import RegressionHead


@MODELS.register_module()
class AbundanceHead(RegressionHead):
    """A linear layer and a softmax: the shares of materials in a pixel, as unmixing asks for them.

    Samples of which a share is unknown count with those that are known.

    Args:
        in_channels: Features F.
        num_targets: T materials. Default: those of the training data.
        loss: Config of a loss of one number a target. Default: ``dict(type='AbsoluteErrorLoss')``.

    Raises:
        ConfigError: If the targets are missing, there is a single one, or the loss takes more than a number a target.
    """

    def __init__(self, in_channels: int, num_targets: int | None = None, loss: dict | None = None) -> None:
        super().__init__(in_channels, num_targets, loss=dict(type="AbsoluteErrorLoss") if loss is None else loss)
        if self.num_targets < 2 or self.num_outputs != self.num_targets:
            raise ConfigError(
                f"AbundanceHead: {self.num_targets} target(s) and {type(self.loss_module).__name__} given; expected at "
                "least 2 targets, and a loss of one number a target"
            )

    def loss(self, features: tuple[Tensor, ...], data_samples: list) -> dict[str, Tensor]:
        """The loss of the shares themselves; arguments as for :meth:`RegressionHead.loss`."""
        truth = torch.stack([sample.gt_value for sample in data_samples])
        return {"loss": self.loss_module(self.values(self(features)), truth)}

    def values(self, outputs: Tensor) -> Tensor:
        """Shares, float32, which sum to one.

        Args:
            outputs: Of :meth:`forward`, (B, T).
        """
        return outputs.float().softmax(dim=1)
