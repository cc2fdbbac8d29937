"""Tokens of a batch; picking, hiding and putting them back."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mmhsi.errors import ConfigError


class Tokens(NamedTuple):
    """Tokens of a batch of images, embedded or after a layer: the one shape of what backbones give algorithms.

    Attributes:
        cls: Token that stands for the image, shape (B, d); None before the layers, and where a backbone has none.
        patches: Tokens of the grid, row-major, of 3-D patches block by block, shape (B, n, d), n = h · w or G · h · w;
            where visible ones alone were encoded, those.
        grid: (h, w) of all patches.
        spectral_cls: ``cls`` of a second stream, shape (B, d); None without one.
        spectral: Tokens of band groups, the second stream's, shape (B, g, d); None without one.
    """

    cls: Tensor | None
    patches: Tensor
    grid: tuple[int, int]
    spectral_cls: Tensor | None = None
    spectral: Tensor | None = None

    def sequence(self) -> Tensor:
        """CLS, where there is one, then the patches: (B, 1 + n, d)."""
        return self.patches if self.cls is None else torch.cat([self.cls[:, None], self.patches], dim=1)

    def spectral_tokens(self) -> Tensor:
        """Tokens of band groups, shape (B, g, d), where there must be some.

        Raises:
            ConfigError: If there is no second stream.
        """
        if self.spectral is None:
            raise ConfigError("Tokens: the backbone has no spectral stream")
        return self.spectral

    def spectral_sequence(self) -> Tensor:
        """CLS of the second stream, where there is one, then its tokens: (B, 1 + g, d)."""
        tokens = self.spectral_tokens()
        return tokens if self.spectral_cls is None else torch.cat([self.spectral_cls[:, None], tokens], dim=1)

    def to_map(self) -> Tensor:
        """All patches in their places: (B, h · w, d) -> (B, d, h, w)."""
        return self.patches.transpose(1, 2).unflatten(2, self.grid)


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
