"""Checks that many models share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn


def check_bands(owner: str, x: Tensor, in_channels: int) -> None:
    """Refuse images of other bands than the network was built for.

    Args:
        owner: The network, for the message.
        x: Shape (B, C, H, W).
        in_channels: Bands expected.

    Raises:
        ConfigError: If the second axis of ``x`` is not ``in_channels``.
    """
    if x.shape[1] != in_channels:
        raise ConfigError(f"{owner}: input has {x.shape[1]} bands, the model expects in_channels={in_channels}")


def resolve_out_indices(owner: str, out_indices: Sequence[int], depth: int) -> tuple[int, ...]:
    """Layers whose maps a backbone returns, counted from 0.

    Args:
        owner: The backbone, for the message.
        out_indices: Layers; negative counts from the end.
        depth: Number of layers.

    Raises:
        ConfigError: If there is none, or one lies outside of -depth to depth - 1.
    """
    if not out_indices or not all(-depth <= index < depth for index in out_indices):
        raise ConfigError(f"{owner}: out_indices={tuple(out_indices)} must lie in -{depth} to {depth - 1}")
    return tuple(index % depth for index in out_indices)


def map_channels(backbone: nn.Module) -> int | None:
    """Channels of a backbone's last map; None where it does not tell.

    Args:
        backbone: With ``out_channels``; of this package's, ``embed_dims`` does too.
    """
    channels = getattr(backbone, "out_channels", None)
    if channels is None and type(backbone).__module__.startswith("mmhsi."):
        channels = getattr(backbone, "embed_dims", None)
    return channels if isinstance(channels, int) else None
