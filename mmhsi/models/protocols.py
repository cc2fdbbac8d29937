"""What algorithms may ask of a backbone: protocols, and a check that names what is missing.

None has to be inherited: a backbone that has a protocol's members satisfies it.
:class:`mmhsi.models.TransformerBackbone` brings most of them.
"""

from __future__ import annotations

from inspect import get_annotations
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from .layers.prunable import PrunableLayers
    from .layers.tokens import Tokens


@runtime_checkable
class TokenBackbone(Protocol):
    """Encodes images to tokens.

    Attributes:
        in_channels: Bands C.
        embed_dims: Token width d.
        patch_size: Side of a patch in pixels.
        num_blocks: Tokens at every place of the grid: 1, or the spectral blocks G of 3-D patches.
        num_groups: Tokens of a second, spectral stream; 0 where there is none.
        with_cls: Whether a token stands for the image, one in each stream.
    """

    in_channels: int
    embed_dims: int
    patch_size: int
    num_blocks: int
    num_groups: int
    with_cls: bool

    def embed(self, x: Tensor) -> Tokens:
        """Images (B, C, H, W) to what the layers receive: tokens with positions, without CLS.

        Args:
            x: Images, shape (B, C, H, W).
        """

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Tokens after layers, the last layer's normalised.

        Args:
            tokens: From :meth:`embed`.
            out_indices: Layers, counted from 0.
        """

    def forward_tokens(self, x: Tensor) -> Tokens:
        """Images (B, C, H, W) to the normalised tokens of the last layer.

        Args:
            x: Images, shape (B, C, H, W).
        """


@runtime_checkable
class VisibleBackbone(TokenBackbone, Protocol):
    """Encodes visible tokens alone, as masked autoencoders do."""

    def forward_visible(self, x: Tensor, visible: Tensor) -> Tokens:
        """Normalised tokens of the last layer of what is visible; nothing of a hidden token enters any layer.

        Args:
            x: Images, shape (B, C, H, W).
            visible: Indices of the visible tokens, row-major over the grid, block by block, shape (B, n). A backbone of
                two streams takes those of the second one as a third argument.
        """


@runtime_checkable
class MaskTokenBackbone(TokenBackbone, Protocol):
    """Puts a learned token where a mask says, as self-distillation by hidden patches (iBOT) needs.

    Attributes:
        with_mask_token: Whether it was built to.
    """

    with_mask_token: bool

    def forward_tokens(self, x: Tensor, mask: Tensor | None = None) -> Tokens:
        """Images (B, C, H, W) to the normalised tokens of the last layer, hidden ones replaced before the first.

        Args:
            x: Images, shape (B, C, H, W).
            mask: Hidden patches, bool (B, h · w). A backbone of two streams takes the hidden band groups (B, g) as a
                third argument.
        """


@runtime_checkable
class AnyBandBackbone(Protocol):
    """May take images of any bands, whose centres in nm come with them as the argument ``wavelengths``.

    Attributes:
        any_bands: Whether it was built to.
        wavelengths: Centres of the bands in nm of images that come without; None if there are none.
    """

    any_bands: bool
    wavelengths: tuple[float, ...] | None


def takes_any_bands(backbone: object) -> bool:
    """Whether images of any bands may be given to a backbone, with their centres.

    Args:
        backbone: Any.
    """
    return isinstance(backbone, AnyBandBackbone) and backbone.any_bands


def told(wavelengths: Sequence[float] | None) -> dict[str, Any]:
    """``wavelengths`` as the keyword argument of a backbone of any bands; nothing where a batch brings none.

    Args:
        wavelengths: Centres of the batch's bands in nm, or None.
    """
    return {} if wavelengths is None else {"wavelengths": wavelengths}


@runtime_checkable
class GridBackbone(Protocol):
    """Has a table of positions, made for images of one size.

    Attributes:
        grid: (h, w) of their patches.
    """

    grid: tuple[int, int]


@runtime_checkable
class AttentiveBackbone(Protocol):
    """Has CLS tokens whose attention can be shown.

    Attributes:
        num_extra_tokens: CLS and registers, which come before a stream's other tokens.
    """

    num_extra_tokens: int

    def last_attention(self) -> dict[str, nn.Module]:
        """Last layers' :class:`mmhsi.models.layers.SelfAttention` of the streams ``'spatial'`` and ``'spectral'``."""


@runtime_checkable
class PrunableBackbone(Protocol):
    """Keeps its residual layers in lists of which some may be switched off."""

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Lists of layers, by the stage's name."""


@runtime_checkable
class LayeredBackbone(Protocol):
    """Says how deep its parameters lie."""

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates, from 0 for the embedding, and the number of depths.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.
        """


@runtime_checkable
class BandedBackbone(Protocol):
    """Says which of its weights depend on the bands."""

    def band_axes(self) -> dict[str, int]:
        """Names of the weights, and the axis along the bands."""


@runtime_checkable
class ResamplingBackbone(BandedBackbone, Protocol):
    """Has weights over bands that are no plain weights a band, such as maps of blocks of bands."""

    def resample_bands(self, key: str, value: Tensor, source: Sequence[float], target: Sequence[float]) -> Tensor:
        """Fit a checkpoint's weight, of any shape, to other bands.

        Args:
            key: The weight's name, one of :meth:`band_axes`.
            value: The checkpoint's, of any shape.
            source: Band centres of the checkpoint in nm.
            target: Band centres of this model in nm.
        """


@runtime_checkable
class AdaptableModel(Protocol):
    """Fits weights of a checkpoint that depend on something else than the bands, such as tables of positions."""

    def adapt_weight(self, key: str, value: Tensor, state: dict[str, Tensor]) -> Tensor:
        """The weight as this model needs it; others are given back as they are.

        Args:
            key: The weight's name.
            value: The checkpoint's, of any shape.
            state: The checkpoint's state dict.
        """


@runtime_checkable
class ResizableModel(Protocol):
    """A model some of whose weights have the shape that the training gave them, as kept samples have."""

    def make_room(self, state: dict[str, Tensor]) -> None:
        """Give them the shapes of those in a checkpoint, which are loaded next.

        Args:
            state: The checkpoint's weights by name.
        """


@runtime_checkable
class CentreBackbone(Protocol):
    """Looks at the centre pixel of a window alone: windows of one pixel tell it as much.

    Attributes:
        sees_centre_alone: True.
    """

    sees_centre_alone: bool


@runtime_checkable
class DenseBackbone(Protocol):
    """Computes the maps of all windows of a scene at once, because no pixel's features depend on its window.

    The map of a window (h, w) must be that of the scene at the window's place, cut to (h − 2 · reach, w − 2 · reach).
    Images come one or several at a time.

    Attributes:
        reach: Pixels that the map lacks on every side.
        is_unpadded: Whether that holds for the weights that are loaded.
    """

    reach: int
    is_unpadded: bool

    def embed_pixels(self, x: Tensor) -> Tensor:
        """What layers make of single pixels, (B, C, H, W) to (B, d, H, W); symmetries of a window share it.

        Args:
            x: Images, shape (B, C, H, W).
        """

    def forward_pixels(self, maps: Tensor) -> Tensor:
        """The last map (B, d, H − 2 · reach, W − 2 · reach).

        Args:
            maps: From :meth:`embed_pixels`, shape (B, d, H, W).
        """


@runtime_checkable
class PixelEmbeddingBackbone(Protocol):
    """Begins with what it computes of every pixel alone, which all windows and symmetries with the pixel can share.

    Attributes:
        embeds_pixels: Whether that is worth it.
    """

    embeds_pixels: bool

    def embed_pixels(self, x: Tensor) -> Tensor:
        """What is made of single pixels, (B, C, H, W) to (B, e, H, W).

        Args:
            x: Images, shape (B, C, H, W).
        """

    def forward_embedded(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """What the backbone gives of windows: its maps.

        Args:
            pixels: Windows of what :meth:`embed_pixels` gave, shape (B, e, h, w).
        """


@runtime_checkable
class FinerBackbone(Protocol):
    """Takes a finer second source whose pixels come as channels of the pixel they lie in.

    Attributes:
        finer: (C2, s) where the last C2 · s² channels of its images, and of what :class:`DenseBackbone` makes of single
            pixels, are those of a source that is s times finer along each axis.
    """

    finer: tuple[int, int]


def overrides(kind: type, name: str, beside: str) -> bool:
    """Whether a class has a method from a class that is derived further than that which another method comes from.

    What the other one does in its place is then not what the class does.

    Args:
        kind: The class.
        name: The one method.
        beside: The other.

    Example:
        >>> class A:
        ...     def call(self): ...
        ...     def call_quickly(self): ...
        >>> class B(A):
        ...     def call(self): ...
        >>> overrides(A, "call", "call_quickly"), overrides(B, "call", "call_quickly")
        (False, True)
    """
    order = [vars(base) for base in kind.__mro__]
    return [name in names for names in order].index(True) < [beside in names for names in order].index(True)


def finer_source(backbone: object) -> tuple[int, int] | None:
    """What symmetries need to know of a backbone's second source: (C2, s) of a :class:`FinerBackbone`, else None.

    Args:
        backbone: Any.
    """
    return backbone.finer if isinstance(backbone, FinerBackbone) else None


@runtime_checkable
class SizedBackbone(Protocol):
    """Does not take windows of every size."""

    def check_window(self, window: tuple[int, int]) -> None:
        """Check that windows can be taken.

        Args:
            window: (h, w) in pixels.

        Raises:
            ConfigError: If they cannot.
        """


@runtime_checkable
class ScaledBackbone(Protocol):
    """Gives networks of its own windows of several scales, and puts their maps behind each other."""

    def side(self, window: tuple[int, int]) -> tuple[int, int]:
        """Height and width in pixels of what each network is given of a window.

        Args:
            window: (h, w) in pixels.
        """

    def cut(self, x: Tensor, scale: int, window: tuple[int, int]) -> Tensor:
        """What lies within the windows' part of a scale.

        Args:
            x: Images, shape (B, C, H, W).
            scale: Pixels of the image, along each axis, of which the network's are the means.
            window: (h, w) in pixels of windows that lie in the images.
        """

    def networks_of_scales(self) -> list[tuple[int, nn.Module]]:
        """Every scale and its network."""


P = TypeVar("P")


def members(protocol: type) -> set[str]:
    """Names of the attributes and methods that a protocol asks for.

    Args:
        protocol: One of the above, or another.
    """
    bases = [base for base in protocol.__mro__ if getattr(base, "_is_protocol", False) and base is not Protocol]
    names = {name for base in bases for name in (*vars(base), *get_annotations(base))}
    return {name for name in names if not name.startswith("_")}


def check_protocol(owner: str, given: object, protocol: type[P]) -> P:
    """Give ``given`` back as what an algorithm needs.

    Args:
        owner: The algorithm, for the message.
        given: Its backbone.
        protocol: What it asks for.

    Raises:
        ConfigError: If something is missing.
    """
    if isinstance(given, protocol):
        return given
    lacking = sorted(name for name in members(protocol) if not hasattr(given, name))
    raise ConfigError(
        f"{owner}: {type(given).__name__} is no {protocol.__name__}, it lacks {', '.join(lacking)} "
        "(docs/extend/backbone.md)"
    )


def check_plain(owner: str, given: object) -> VisibleBackbone:
    """Give ``given`` back as a :class:`VisibleBackbone` of one CLS token and one token for each patch.

    Args:
        owner: The algorithm, for the message.
        given: Its backbone.

    Raises:
        ConfigError: If it is another.
    """
    backbone = check_protocol(owner, given, VisibleBackbone)
    if not backbone.with_cls or backbone.num_blocks > 1 or backbone.num_groups:
        raise ConfigError(
            f"{owner}: {type(given).__name__} has with_cls={backbone.with_cls}, num_blocks={backbone.num_blocks} and "
            f"num_groups={backbone.num_groups}, expected a CLS token and one token a patch, as of HSIViT"
        )
    return backbone
