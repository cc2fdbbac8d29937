"""Initialisation of transformer layers."""

from torch import nn


def init_linear(module: nn.Module) -> None:
    """Fill every linear map in ``module`` as MAE does: Xavier-uniform weights, zero biases.

    Args:
        module: Changed in place.
    """
    for child in module.modules():
        if isinstance(child, nn.Linear):
            nn.init.xavier_uniform_(child.weight)
            if child.bias is not None:
                nn.init.zeros_(child.bias)
