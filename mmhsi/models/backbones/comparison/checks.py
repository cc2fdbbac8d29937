"""Checks and steps that the comparison networks share."""

from __future__ import annotations

from torch import Tensor

from mmhsi.errors import ConfigError


def check_sizes(owner: str, **sizes: int) -> None:
    """Refuse constructor arguments below 1.

    Args:
        owner: The network, for the message.
        **sizes: Arguments by name.

    Raises:
        ConfigError: Naming the network, the argument and its value.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ConfigError(f"{owner}: {name}={size} given, expected at least 1")


def check_bands(owner: str, x: Tensor, in_channels: int) -> None:
    """Refuse windows of other bands than the network was built for.

    Args:
        owner: The network, for the message.
        x: Shape (B, C, h, w).
        in_channels: Bands expected.

    Raises:
        ConfigError: If the second axis of ``x`` is not ``in_channels``.
    """
    if x.shape[1] != in_channels:
        raise ConfigError(f"{owner}: input has {x.shape[1]} bands, the model expects in_channels={in_channels}")


def centre_spectra(x: Tensor) -> Tensor:
    """Spectra (B, C) of the pixels in the middle of windows (B, C, h, w); of even sides the later of the two.

    Args:
        x: Shape (B, C, h, w).
    """
    return x[:, :, x.shape[2] // 2, x.shape[3] // 2]
