"""The interface of patch embeddings that take any bands."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError

from ..layers.patch_embed import pad_to_multiple, patchify, unpatchify
from ..layers.position import sinusoid_1d
from ..layers.spectral_embed import band_positions
from ..layers.tokens import take_tokens
from .bands import band_shares, waves

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Self

KEPT_SENSORS = 16
"""Sensors whose tensors are kept in evaluation."""


class BandEmbed(nn.Module):
    """Base of embeddings of images of any number of bands, whose centres are told with the images.

    What depends on the centres alone (:meth:`of_bands`) is computed anew in every training step, for it has gradients,
    and once for each sensor in evaluation, until a weight changes; of changes by way of ``weight.data``, which torch
    does not count, ``eval()`` or ``train()`` tells.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels. Sides that p does not divide are padded by repeating the last row and column.

    Raises:
        ConfigError: If a size is below 1.
    """

    def __init__(self, embed_dims: int, patch_size: int) -> None:
        super().__init__()
        check_sizes(type(self).__name__, embed_dims=embed_dims, patch_size=patch_size)
        self.embed_dims = embed_dims
        self.patch_size = patch_size
        self._kept: dict[tuple, tuple[Tensor, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept": {}}

    def train(self, mode: bool = True) -> Self:
        """Set the mode, and forget what is kept.

        Args:
            mode: Whether to train. Default True.
        """
        self._kept.clear()
        return super().train(mode)

    @abstractmethod
    def of_bands(self, wavelengths: Sequence[float]) -> tuple[Tensor, ...]:
        """What depends on the bands alone, on the device of the weights.

        Args:
            wavelengths: Band centres in nm, C of them.

        Returns:
            Tensors of shapes of the embedding's own, such as the weights (d, C, p, p) of a convolution.
        """

    @abstractmethod
    def embed(self, x: Tensor, *of_bands: Tensor) -> Tensor:
        """Embed images.

        Args:
            x: Images, shape (B, C, H, W), sides divisible by the patch.
            *of_bands: Of :meth:`of_bands`.

        Returns:
            Tensor of shape (B, d, h, w).
        """

    def forward(self, x: Tensor, wavelengths: Sequence[float]) -> tuple[Tensor, tuple[int, int]]:
        """Embed (B, C, H, W) into tokens (B, h · w, d), and give the grid (h, w).

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Band centres in nm, C of them, in the order of the bands, which need not be that of the
                spectrum.

        Raises:
            ConfigError: If there are not C centres, or they are not in nm.
        """
        centres = self.checked(wavelengths, x.shape[1])
        tokens = self.embed(pad_to_multiple(x, self.patch_size), *self.kept(centres))
        return tokens.flatten(2).transpose(1, 2), (tokens.shape[2], tokens.shape[3])

    def some(self, x: Tensor, chosen: Tensor, wavelengths: Sequence[float]) -> Tensor:
        """Embed a few patches alone: tokens (B, n, d). As no patch knows its neighbours, these are laid in a row.

        Args:
            x: Images, shape (B, C, H, W).
            chosen: Indices of the patches, row-major over the grid, shape (B, n).
            wavelengths: As for :meth:`forward`.
        """
        patches = take_tokens(patchify(pad_to_multiple(x, self.patch_size), self.patch_size), chosen)
        return self(unpatchify(patches, self.patch_size, (1, chosen.shape[1])), wavelengths)[0]

    def checked(self, wavelengths: Sequence[float], bands: int) -> tuple[float, ...]:
        """Centres of bands that can be embedded.

        Args:
            wavelengths: In nm.
            bands: C.

        Raises:
            ConfigError: If there are not C, or they are not in nm.
        """
        centres = tuple(float(nm) for nm in wavelengths)
        band_positions(centres, bands, type(self).__name__)
        return centres

    def kept(self, wavelengths: tuple[float, ...]) -> tuple[Tensor, ...]:
        """:meth:`of_bands`, in evaluation without gradients from an earlier call where there was one.

        Args:
            wavelengths: Band centres in nm.

        Returns:
            Tensors of the shapes of :meth:`of_bands`, such as (d, C, p, p).
        """
        if self.training or torch.is_grad_enabled():
            self._kept.clear()
            return self.of_bands(wavelengths)
        if torch.compiler.is_compiling():
            return self._exported(wavelengths) or self.of_bands(wavelengths)
        if any(weight.is_inference() for weight in self.parameters()):  # of which torch counts no changes
            return self.of_bands(wavelengths)
        state = tuple((weight.device, weight.dtype, weight.data_ptr(), weight._version) for weight in self.parameters())
        kind = state[0][0].type
        key = (wavelengths, state, torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind))
        made = self._kept.get(key)  # once: another thread may put others in its place
        if made is None:
            made = self.of_bands(wavelengths)
            if len(self._kept) >= KEPT_SENSORS:
                self._kept.clear()
            self._kept[key] = made
        return made

    def _exported(self, wavelengths: tuple[float, ...]) -> tuple[Tensor, ...] | None:
        """What ``torch.export`` makes constants of the program: the tensors of the last call before it."""
        if torch.compiler.is_dynamo_compiling():
            return None
        return next((made for key, made in reversed(self._kept.items()) if key[0] == wavelengths), None)


class CodedBandEmbed(BandEmbed):
    """Base of embeddings that know a band by a code of its centre, in an attention of some width.

    Args:
        embed_dims: Token width d.
        patch_size: p, in pixels.
        width: Of the codes and the attention, even.
        num_heads: Of the attention.

    Raises:
        ConfigError: If a size does not fit.
    """

    def __init__(self, embed_dims: int, patch_size: int, width: int, num_heads: int) -> None:
        super().__init__(embed_dims, patch_size)
        check_even(type(self).__name__, width=width)
        if width % num_heads:
            raise ConfigError(f"{type(self).__name__}: width={width} must divide by num_heads={num_heads}")
        self.width = width

    @staticmethod
    def facts(wavelengths: Sequence[float], width: int) -> tuple[Tensor, Tensor]:
        """Fixed codes of band centres, shape (C, width), and how much the bands count, shape (C,).

        Args:
            wavelengths: In nm, C of them.
            width: Of the codes.
        """
        return waves(wavelengths, width), band_shares(wavelengths)


class PublishedFacts:
    """Published embeddings' codes: sinusoids of the centres in nm as they are; bands count equally."""

    @staticmethod
    def facts(wavelengths: Sequence[float], width: int) -> tuple[Tensor, Tensor]:
        """Arguments and values as of :meth:`CodedBandEmbed.facts`."""
        return sinusoid_1d(torch.tensor(wavelengths), width), torch.ones(len(wavelengths))


def check_even(owner: str, **sizes: int) -> None:
    """Check that codes of sines and cosines fit.

    Args:
        owner: The embedding, for the message.
        **sizes: Widths by name.

    Raises:
        ConfigError: If one is odd or below 2.
    """
    for name, size in sizes.items():
        if size < 2 or size % 2:
            raise ConfigError(f"{owner}: {name}={size} given, expected an even number")
