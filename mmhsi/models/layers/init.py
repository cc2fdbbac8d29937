"""Initialisation of embeddings, transformer layers and classifiers."""

from torch import nn


def init_embedding(module: nn.Module) -> None:
    """Fill linear maps and convolutions, each as one linear map of what it covers: Xavier-uniform, zero biases.

    Args:
        module: An embedding, changed in place.
    """
    for child in module.modules():
        if isinstance(child, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(child.weight.view(child.weight.shape[0], -1))
            if child.bias is not None:
                nn.init.zeros_(child.bias)


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


def init_classifier(module: nn.Conv2d) -> None:
    """Fill the last layer of a decode head as mmseg does: normal weights of standard deviation 0.01, zero biases.

    Args:
        module: Changed in place.
    """
    nn.init.normal_(module.weight, std=0.01)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
