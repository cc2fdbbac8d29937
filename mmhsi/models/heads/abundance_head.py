"""Shares of a pixel that are not negative and sum to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .regression_head import RegressionHead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@MODELS.register_module()
class AbundanceHead(RegressionHead):
    """A linear layer and a softmax: the shares of materials in a pixel, as unmixing asks for them.

    Samples of which a share is unknown count with those that are known.

    Args:
        in_channels: Features F.
        num_targets: T materials. Default: those of the training data.
        target_mean: T mean shares, which are only looked at. Default: those of the training samples.
        loss: Config of a loss of one number a target. Default: ``dict(type='AbsoluteErrorLoss')``.

    Raises:
        ConfigError: If the targets are missing, there is a single one, the loss takes more than a number a target, or
            the means are no shares of one.
    """

    def __init__(
        self,
        in_channels: int,
        num_targets: int | None = None,
        target_mean: Sequence[float] | None = None,
        loss: dict | None = None,
    ) -> None:
        super().__init__(in_channels, num_targets, loss=dict(type="AbsoluteErrorLoss") if loss is None else loss)
        if self.num_targets < 2 or self.num_outputs != self.num_targets:
            raise ConfigError(
                f"AbundanceHead: {self.num_targets} target(s) and {type(self.loss_module).__name__} given; expected at "
                "least 2 targets, and a loss of one number a target"
            )
        if target_mean is not None and not (min(target_mean) >= 0 and sum(target_mean) < 1.5):
            means = ", ".join(f"{mean:g}" for mean in target_mean)
            raise ConfigError(f"AbundanceHead: the targets' means are {means}, expected shares that sum to one")

    def loss_of(self, features: Tensor, truth: Tensor) -> Tensor:
        """The loss of the shares themselves; arguments as for :meth:`RegressionHead.loss_of`."""
        return self.loss_module(self.values(self((features,))), truth)

    def values(self, outputs: Tensor) -> Tensor:
        """Shares, float32, which sum to one.

        Args:
            outputs: Of :meth:`forward`, (B, T).
        """
        return outputs.float().softmax(dim=1)
