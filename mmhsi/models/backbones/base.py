"""What the transformer backbones share."""

from __future__ import annotations

from typing import NamedTuple

from mmengine.model import BaseModule
from torch import Tensor

from ..layers.prunable import PrunableLayers


class TransformerBackbone(BaseModule):
    """Base of backbones whose tokens run through lists of residual layers.

    Attributes:
        stages: Names of the lists that may be pruned; layers of equal number have equal depth.
        other_layers: Names of further lists beside them.
        after_layers: What parameters that come after all layers begin with.
    """

    stages: tuple[str, ...] = ("layers",)
    other_layers: tuple[str, ...] = ()
    after_layers: tuple[str, ...] = ("norm",)

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the bands."""
        return {"patch_embed.projection.weight": 1}

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


class SpatialSpectralTokens(NamedTuple):
    """Normalised tokens of the last layers of a spatial and a spectral stream."""

    spatial_cls: Tensor
    """Shape (B, d)."""
    spatial_patches: Tensor
    """Shape (B, h · w, d), row-major."""
    spectral_cls: Tensor
    """Shape (B, d)."""
    spectral_tokens: Tensor
    """Shape (B, g, d), one for each band group."""
    grid: tuple[int, int]
    """Patches of the spatial stream, (h, w)."""
