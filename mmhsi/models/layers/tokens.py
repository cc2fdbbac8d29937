"""Picking, hiding and putting back tokens."""

from __future__ import annotations

import torch
from torch import Tensor

from mmhsi.errors import ConfigError


def take_tokens(tokens: Tensor, indices: Tensor) -> Tensor:
    """Rows (B, m, d) of ``tokens`` (B, n, d) that ``indices`` (B, m) name.

    Args:
        tokens: Shape (B, n, d).
        indices: Shape (B, m).
    """
    return tokens.gather(1, indices[..., None].expand(-1, -1, tokens.shape[-1]))


def prepend_tokens(tokens: Tensor, *extra: Tensor | None) -> Tensor:
    """Put learned tokens before those of every sample.

    Args:
        tokens: Shape (B, n, d).
        *extra: Each (1, r, d), or None for none.

    Returns:
        Tensor of shape (B, r + … + n, d).
    """
    expanded = [some.expand(tokens.shape[0], -1, -1) for some in extra if some is not None]
    return torch.cat([*expanded, tokens], dim=1)


def fill_tokens(tokens: Tensor, indices: Tensor, total: int, filler: Tensor) -> Tensor:
    """Put ``tokens`` where ``indices`` say, and ``filler`` everywhere else.

    Args:
        tokens: Shape (B, m, d).
        indices: Shape (B, m), below ``total``.
        total: Places n.
        filler: Shape (1, 1, d).

    Returns:
        Tensor of shape (B, n, d).
    """
    places = filler.to(tokens.dtype).expand(tokens.shape[0], total, -1)
    return places.scatter(1, indices[..., None].expand(-1, -1, tokens.shape[-1]), tokens)


def mask_tokens(tokens: Tensor, mask: Tensor | None, mask_token: Tensor, name: str) -> Tensor:
    """Put ``mask_token`` where ``mask`` is True.

    Args:
        tokens: Shape (B, n, d).
        mask: Bool, shape (B, n); None for none.
        mask_token: Shape (1, 1, d).
        name: Backbone and argument, for the message.

    Returns:
        Tensor of shape (B, n, d).

    Raises:
        ConfigError: If the mask is of another type or shape.
    """
    if mask is None:
        return tokens
    if mask.dtype != torch.bool or mask.shape != tokens.shape[:2]:
        raise ConfigError(
            f"{name} is {mask.dtype} of shape {tuple(mask.shape)}, expected torch.bool of shape "
            f"{tuple(tokens.shape[:2])}"
        )
    return torch.where(mask[..., None], mask_token.to(tokens.dtype), tokens)
