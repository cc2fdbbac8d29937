"""Sizes and layers of the vision transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

from mmhsi.errors import ConfigError

from ..layers import PrunableLayers, ViTLayer

if TYPE_CHECKING:
    from collections.abc import Mapping


class ViTArch(TypedDict):
    """Sizes of a vision transformer."""

    embed_dims: int
    num_layers: int
    num_heads: int
    feedforward_channels: int


ARCHS: dict[str, ViTArch] = {
    "tiny": {"embed_dims": 128, "num_layers": 4, "num_heads": 4, "feedforward_channels": 512},
    "small": {"embed_dims": 384, "num_layers": 12, "num_heads": 6, "feedforward_channels": 1536},
    "base": {"embed_dims": 768, "num_layers": 12, "num_heads": 12, "feedforward_channels": 3072},
    "large": {"embed_dims": 1024, "num_layers": 24, "num_heads": 16, "feedforward_channels": 4096},
}

FFN_TYPES = ("origin", "swiglu_fused")


def resolve_arch(arch: str | ViTArch, owner: str, presets: Mapping[str, ViTArch] = ARCHS) -> ViTArch:
    """Look a preset up, or check a dict of sizes.

    Args:
        arch: Name of a preset, or sizes by name.
        owner: The backbone, for the message.
        presets: Sizes by name. Default: the usual ones of vision transformers.

    Raises:
        ConfigError: If the name is unknown, a size is missing, or the width does not divide into heads and by 4.
    """
    if isinstance(arch, str):
        if arch not in presets:
            raise ConfigError(f"{owner}: arch={arch!r} is unknown, expected one of {', '.join(presets)} or a dict")
        return presets[arch]
    missing = set(ViTArch.__annotations__) - set(arch)
    if missing:
        raise ConfigError(f"{owner}: arch lacks {', '.join(sorted(missing))}")
    if arch["embed_dims"] % arch["num_heads"] or arch["embed_dims"] % 4:
        raise ConfigError(
            f"{owner}: embed_dims={arch['embed_dims']} must divide by num_heads={arch['num_heads']} and by 4"
        )
    return arch


def vit_layer(sizes: ViTArch, *args: Any, **kwargs: Any) -> ViTLayer:
    """One layer.

    Args:
        sizes: Width, heads, MLP.
        *args: Further arguments of :class:`mmhsi.models.layers.ViTLayer`.
        **kwargs: Likewise.
    """
    return ViTLayer(sizes["embed_dims"], sizes["num_heads"], sizes["feedforward_channels"], *args, **kwargs)


def vit_layers(
    sizes: ViTArch,
    drop_rate: float,
    drop_path_rate: float,
    ffn_type: str = "origin",
    layer_scale_init_value: float = 0.0,
    drop_path_uniform: bool = False,
) -> PrunableLayers:
    """As many layers as ``sizes`` say; see :class:`mmhsi.models.layers.ViTLayer`.

    Args:
        sizes: Number of layers, width, heads, MLP.
        drop_rate: Dropout.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        ffn_type: ``'origin'`` or ``'swiglu_fused'``.
        layer_scale_init_value: 0 for none.
        drop_path_uniform: Whether all layers have that of the last. Default False.
    """
    depth = sizes["num_layers"]
    rates = [drop_path_rate] * depth if drop_path_uniform else drop_path_rates(drop_path_rate, depth)
    return PrunableLayers(vit_layer(sizes, drop_rate, rate, ffn_type, layer_scale_init_value) for rate in rates)


def drop_path_rates(last: float, depth: int) -> list[float]:
    """Stochastic depth of every layer, which grows linearly from 0."""
    return [last * index / max(depth - 1, 1) for index in range(depth)]
