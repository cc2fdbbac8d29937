"""What the transformer backbones share."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError
from mmhsi.io.wavelengths import check_nanometres

from ..checks import check_bands
from ..layers.spectral_embed import band_positions
from ..protocols import told
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from ..layers import PrunableLayers, Tokens


class TransformerBackbone(QuietInit):
    """Base of backbones whose tokens run through lists of residual layers.

    With :meth:`embed` and :meth:`encode` of its own it is a :class:`mmhsi.models.protocols.TokenBackbone` and prunable.

    Attributes:
        stages: Names of the lists that may be pruned; layers of equal number have equal depth.
        other_layers: Names of further lists beside them.
        after_layers: What parameters that come after all layers begin with.
        num_blocks: Tokens at every place of the grid. Default 1.
        num_groups: Tokens of a second, spectral stream. Default 0: there is none.
        with_cls: Whether a token stands for the image. Default True.
        in_channels: Bands C; 0 of any bands.
        any_bands: Whether images of any bands are taken, with the centres of these as ``wavelengths``. Default False.
        wavelengths: Centres in nm of the bands of images that come without.
        embed_dims: Token width d.
        patch_size: Side of a patch in pixels.
        depth: Layers that ``out_indices`` counts.
        out_indices: Layers whose maps are returned, counted from 0.
    """

    stages: tuple[str, ...] = ("layers",)
    other_layers: tuple[str, ...] = ()
    after_layers: tuple[str, ...] = ("norm",)
    num_blocks: int = 1
    num_groups: int = 0
    with_cls: bool = True
    any_bands: bool = False
    wavelengths: tuple[float, ...] | None = None
    in_channels: int
    embed_dims: int
    patch_size: int
    depth: int
    out_indices: tuple[int, ...]

    def expect_bands(
        self, embedding: str | Mapping[str, object], in_channels: int | None, wavelengths: Sequence[float] | None
    ) -> None:
        """Set what the constructor's arguments say of bands.

        Args:
            embedding: ``'fixed'``, or one of any bands.
            in_channels: Bands C; with an embedding of any bands what the training data have, if anything.
            wavelengths: Centres of the bands in nm where a batch does not bring its own, or None.

        Raises:
            ConfigError: If the number of fixed bands is missing, or the centres are others, or not in nm.
        """
        self.any_bands = embedding != "fixed"
        if not self.any_bands and in_channels is None:
            raise ConfigError(f"{type(self).__name__}: embedding='fixed' needs in_channels, the number of bands")
        self.in_channels = in_channels or len(wavelengths or ())
        self.wavelengths = None
        if wavelengths is not None:
            self.wavelengths = check_nanometres(type(self).__name__, "wavelengths", wavelengths)
            band_positions(self.wavelengths, self.in_channels, type(self).__name__)

    def centres(self, x: Tensor, wavelengths: Sequence[float] | None) -> tuple[Sequence[float], ...]:
        """What an embedding is given beside the images: the centres of any bands; nothing of fixed ones, but a check.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Centres of the bands in nm. Default: the backbone's own.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``, or centres are needed and missing.
        """
        if not self.any_bands:
            check_bands(type(self).__name__, x, self.in_channels)
            return ()
        known = self.wavelengths if wavelengths is None else wavelengths
        if known is None:
            raise ConfigError(
                f"{type(self).__name__}: any bands need their wavelengths, which the data do not know; "
                "give model.backbone.wavelengths, or the scene's with scene=dict(base=…, wavelengths=[…])"
            )
        return (known,)

    @abstractmethod
    def embed(self, x: Tensor) -> Tokens:
        """Embed images and add positions; a backbone of any bands takes ``wavelengths``, as :meth:`forward` does.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            What the layers receive, without CLS.
        """

    @abstractmethod
    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Prepend learned tokens, where there are some, and run the layers.

        Args:
            tokens: From :meth:`embed`, all of them or some.
            out_indices: Layers, counted from 0, whose outputs are returned.

        Returns:
            The outputs asked for, the last layer's normalised.
        """

    def encode_last(self, tokens: Tokens) -> Tokens:
        """Run all layers: the last one's normalised tokens.

        Args:
            tokens: From :meth:`embed`, all of them or some.
        """
        return self.encode(tokens, (self.depth - 1,))[0]

    def forward_tokens(self, x: Tensor) -> Tokens:
        """Encode images (B, C, H, W) to the normalised tokens of the last layer; of any bands as :meth:`embed`.

        Args:
            x: Images, shape (B, C, H, W).
        """
        return self.encode_last(self.embed(x))

    def to_map(self, tokens: Tokens) -> Tensor:
        """Make a map (B, d, h, w) of a layer's tokens.

        Args:
            tokens: From :meth:`encode`.
        """
        return tokens.to_map()

    def forward(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Centres of the bands in nm, for embeddings of any bands. Default: the backbone's own.

        Returns:
            One map (B, d, h, w) for each of ``out_indices``.
        """
        tokens = self.embed(x, **told(wavelengths))
        return tuple(self.to_map(chosen) for chosen in self.encode(tokens, self.out_indices))

    def fixed_band_axes(self) -> dict[str, int]:
        """:meth:`band_axes` of fixed bands."""
        return {"patch_embed.projection.weight": 1}

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands; none with an embedding of any bands."""
        return {} if self.any_bands else self.fixed_band_axes()

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Residual layers that :mod:`mmhsi.models.pruning` may skip."""
        return {name: getattr(self, name) for name in self.stages}

    def first_depths(self) -> dict[str, int]:
        """Depth of the first layer of every list, by the list's name."""
        return dict.fromkeys((*self.stages, *self.other_layers), 1)

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.

        Returns:
            Depth (0 for the embedding, i + 1 for layer i, the last for everything after) and the number of depths.
        """
        first_depths = self.first_depths()
        depths = 1 + max(first + len(getattr(self, name)) for name, first in first_depths.items())
        name, _, rest = param_name.removeprefix(prefix).partition(".")
        if not param_name.startswith(prefix) or name in self.after_layers:
            return depths - 1, depths
        return (first_depths[name] + int(rest.partition(".")[0]) if name in first_depths else 0), depths
