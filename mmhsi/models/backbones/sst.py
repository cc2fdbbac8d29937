"""Spatial-spectral transformer on 3-D patches (LO-SST paper §3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict, cast

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..layers import init_linear
from ..layers.blockwise_embed import BlockwiseEmbed
from ..layers.prunable import PrunableLayers
from ..layers.spatial_spectral_position import SpatialSpectralPosition
from ..layers.transformer_layer import TransformerLayer
from ..utils.spectral_weights import interpolate_blocks


class SSTArch(TypedDict):
    """Sizes of a spatial-spectral transformer."""

    embed_dims: int
    spatial_layers: int
    spectral_layers: int
    num_heads: int
    head_dims: int
    feedforward_channels: int


def _arch(embed_dims: int, layers: int, num_heads: int, head_dims: int) -> SSTArch:
    """Sizes with as many spatial as spectral layers and an MLP of 4d."""
    return {
        "embed_dims": embed_dims,
        "spatial_layers": layers,
        "spectral_layers": layers,
        "num_heads": num_heads,
        "head_dims": head_dims,
        "feedforward_channels": 4 * embed_dims,
    }


ARCHS: dict[str, SSTArch] = {
    "tiny": _arch(48, layers=2, num_heads=2, head_dims=24),
    "base": _arch(48, layers=4, num_heads=4, head_dims=64),
    "large": _arch(84, layers=6, num_heads=6, head_dims=64),
}


def resolve_arch(arch: str | SSTArch) -> SSTArch:
    """Look a preset up, or check a dict of sizes.

    Args:
        arch: Name of a preset, or sizes by name.

    Raises:
        ConfigError: If the name is unknown, or a size is missing or below 1.
    """
    if isinstance(arch, str):
        if arch not in ARCHS:
            raise ConfigError(f"SST: arch={arch!r} is unknown, expected one of {', '.join(ARCHS)} or a dict")
        return ARCHS[arch]
    names = set(SSTArch.__annotations__)
    if names != set(arch):
        what, which = ("lacks", names - set(arch)) if names - set(arch) else ("has unknown", set(arch) - names)
        raise ConfigError(f"SST: arch {what} {', '.join(sorted(which))}")
    if min(cast(dict[str, int], arch).values()) < 1:
        raise ConfigError(f"SST: arch={dict(arch)} has a size below 1")
    return arch


@MODELS.register_module()
class SST(BaseModule):
    """Spatial-spectral transformer with factorised attention.

    The cube is cut into p × p × q patches: a grid of G = C / q blocks and N = h · w places. All spatial layers run on
    each block's own N tokens, then all spectral layers on each place's own G tokens. With sinusoidal positions and
    padding by repetition any H × W works.

    The paper's Base is ``'base'`` (68,064 parameters a layer); the paper's table calls it depth 8 with 8 heads, which
    its parameter count contradicts.

    Args:
        in_channels: Bands C of the input.
        arch: ``'tiny'`` (d 48, 2 + 2 layers, 2 heads of 24: ours, for few labels), ``'base'`` (d 48, 4 + 4 layers,
            4 heads of 64), ``'large'`` (d 84, 6 + 6 layers, 6 heads of 64), or a dict with ``embed_dims``,
            ``spatial_layers``, ``spectral_layers``, ``num_heads``, ``head_dims``, ``feedforward_channels``.
        patch_size: p, side of a patch in pixels. Default 8.
        bands_per_block: q, bands of a patch. Default 4.
        band_padding: ``'repeat'`` repeats the last band where q does not divide C, ``'refuse'`` is an error.
        norm_before: Whether a LayerNorm takes a patch's level and contrast away before its linear map. Default True.
        wavelengths: Band centres in nm, length C. Spectral positions are then the blocks' mean wavelengths; without
            them the blocks' indices.
        out_indices: Layers whose maps are returned, spatial layers 0 to S - 1 and spectral layers S to S + T - 1;
            negative counts from the end. Default: the last.
        spectral_pool: How a map is made of G blocks: ``'mean'`` gives d channels, ``'concat'`` G · d (block-major).
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly. It is drawn for each block's
            tokens in spatial layers and for each place's in spectral ones.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size does not fit.
    """

    def __init__(
        self,
        in_channels: int,
        arch: str | SSTArch = "base",
        patch_size: int = 8,
        bands_per_block: int = 4,
        band_padding: str = "repeat",
        norm_before: bool = True,
        wavelengths: Sequence[float] | None = None,
        out_indices: Sequence[int] = (-1,),
        spectral_pool: str = "mean",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch)
        depth = sizes["spatial_layers"] + sizes["spectral_layers"]
        if spectral_pool not in ("mean", "concat"):
            raise ConfigError(f"SST: spectral_pool={spectral_pool!r} is unknown, expected 'mean' or 'concat'")
        if not out_indices or not all(-depth <= index < depth for index in out_indices):
            raise ConfigError(f"SST: out_indices={tuple(out_indices)} must lie in -{depth} to {depth - 1}")

        self.in_channels = in_channels
        self.embed_dims = sizes["embed_dims"]
        self.patch_size = patch_size
        self.out_indices = tuple(index % depth for index in out_indices)
        self.spectral_pool = spectral_pool

        self.patch_embed = BlockwiseEmbed(
            in_channels, self.embed_dims, patch_size, bands_per_block, band_padding, norm_before, owner="SST"
        )
        self.num_blocks = self.patch_embed.num_blocks
        self.out_channels = self.embed_dims * (self.num_blocks if spectral_pool == "concat" else 1)
        self.position = SpatialSpectralPosition(self.embed_dims, self._spectral_positions(wavelengths), owner="SST")
        self.drop_after_pos = nn.Dropout(drop_rate)
        layers = [
            TransformerLayer(
                self.embed_dims,
                sizes["num_heads"],
                sizes["head_dims"],
                sizes["feedforward_channels"],
                drop_rate,
                drop_path_rate * index / max(depth - 1, 1),
            )
            for index in range(depth)
        ]
        self.spatial_layers = PrunableLayers(layers[: sizes["spatial_layers"]])
        self.spectral_layers = PrunableLayers(layers[sizes["spatial_layers"] :])
        self.norm = nn.LayerNorm(self.embed_dims)

    def block_centres(self, wavelengths: Sequence[float]) -> list[float]:
        """Mean wavelength in nm of every block, of as many bands as given; the last band is repeated to fill it.

        Args:
            wavelengths: Band centres in nm.
        """
        width = self.patch_embed.bands_per_block
        padded = [*wavelengths, *[wavelengths[-1]] * (-len(wavelengths) % width)]
        return [sum(padded[start : start + width]) / width for start in range(0, len(padded), width)]

    def _spectral_positions(self, wavelengths: Sequence[float] | None) -> list[float]:
        """Index or mean wavelength in nm of every block."""
        if wavelengths is None:
            return [float(index) for index in range(self.num_blocks)]
        if len(wavelengths) != self.in_channels:
            raise ConfigError(f"SST: {len(wavelengths)} wavelengths given, expected in_channels={self.in_channels}")
        return self.block_centres(wavelengths)

    def init_weights(self) -> None:
        """Fill all linear maps; then what ``init_cfg`` says."""
        self.patch_embed.reset_parameters()
        init_linear(self.spatial_layers)
        init_linear(self.spectral_layers)
        super().init_weights()

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Layers that may be pruned, by stage; the stages run one after another in this order."""
        return {"spatial": self.spatial_layers, "spectral": self.spectral_layers}

    def band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the blocks."""
        return {"patch_embed.weight": 0, "patch_embed.bias": 0}

    def resample_bands(self, key: str, value: Tensor, source: Sequence[float], target: Sequence[float]) -> Tensor:
        """Fit the maps of a checkpoint's blocks to the blocks of other bands, both with centres in nm.

        Args:
            key: The weight's name.
            value: The checkpoint's, shape (G, …), G its blocks.
            source: Band centres of the checkpoint in nm.
            target: Band centres of this model in nm.
        """
        return interpolate_blocks(value, self.block_centres(source), self.block_centres(target))

    def get_layer_depth(self, param_name: str, prefix: str = "") -> tuple[int, int]:
        """Depth of a parameter for layer-wise learning rates.

        Args:
            param_name: Name, with ``prefix``.
            prefix: Of the backbone within the model.

        Returns:
            Depth (0 for the embedding, i + 1 for layer i, the last for everything after) and the number of depths.
        """
        before = len(self.spatial_layers)
        depths = before + len(self.spectral_layers) + 2
        first, _, rest = param_name.removeprefix(prefix).partition(".")
        if param_name.startswith(prefix) and first == "patch_embed":
            return 0, depths
        if param_name.startswith(prefix) and first in ("spatial_layers", "spectral_layers"):
            return int(rest.partition(".")[0]) + 1 + (before if first == "spectral_layers" else 0), depths
        return depths - 1, depths

    def embed(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Embed images and add positions.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            Tokens (B, G, N, d) and the grid (h, w), N = h · w.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``.
        """
        if x.shape[1] != self.in_channels:
            raise ConfigError(f"SST: input has {x.shape[1]} bands, the model expects in_channels={self.in_channels}")
        tokens, grid = self.patch_embed(x)
        return tokens + self.position(grid).to(tokens.dtype), grid

    @staticmethod
    def run_stage(stage: PrunableLayers, rows: Tensor, key_padding_mask: Tensor | None = None) -> list[Tensor]:
        """Run the layers of one stage, passing over pruned ones.

        Args:
            stage: ``spatial_layers`` or ``spectral_layers``.
            rows: Tokens that attend to each other, one row a block (spatial) or a place (spectral), shape (R, n, d).
            key_padding_mask: Bool, shape (R, n), True = no token attends to it.

        Returns:
            The output of every layer, each (R, n, d); a pruned layer's is its input.
        """
        outputs = []
        for index, layer in enumerate(stage):
            if not stage.is_pruned(index):
                rows = layer(rows, key_padding_mask)
            outputs.append(rows)
        return outputs

    def encode(self, tokens: Tensor, out_indices: Sequence[int]) -> list[Tensor]:
        """Run the spatial layers, then the spectral ones.

        Args:
            tokens: Tokens with positions added, any number of blocks and places, shape (B, G, N, d).
            out_indices: Layers whose outputs are returned; negative counts from the end.

        Returns:
            The outputs asked for, the last layer's normalised, each (B, G, N, d).
        """
        batch = tokens.shape[0]
        blocks = self.drop_after_pos(tokens).flatten(0, 1)  # (B, G, N, d) -> (B·G, N, d)
        spatial = self.run_stage(self.spatial_layers, blocks)
        spatial = [rows.unflatten(0, (batch, -1)) for rows in spatial]  # (B, G, N, d)

        places = spatial[-1].transpose(1, 2).flatten(0, 1)  # (B, G, N, d) -> (B·N, G, d)
        spectral = self.run_stage(self.spectral_layers, places)
        spectral[-1] = self.norm(spectral[-1])
        spectral = [rows.unflatten(0, (batch, -1)).transpose(1, 2) for rows in spectral]  # (B, G, N, d)

        outputs = spatial + spectral
        return [outputs[index] for index in out_indices]

    def forward_tokens(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Encode images (B, C, H, W) into normalised tokens (B, G, N, d), and give the grid (h, w).

        Args:
            x: Images, shape (B, C, H, W).
        """
        tokens, grid = self.embed(x)
        return self.encode(tokens, (-1,))[0], grid

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Encode images.

        Args:
            x: Images, shape (B, C, H, W).

        Returns:
            One map for each of ``out_indices``, (B, d, h, w), or (B, G · d, h, w) with ``spectral_pool='concat'``.
        """
        tokens, grid = self.embed(x)
        return tuple(self._pool(output).unflatten(2, grid) for output in self.encode(tokens, self.out_indices))

    def _pool(self, tokens: Tensor) -> Tensor:
        """Make (B, d or G · d, N) of (B, G, N, d)."""
        if self.spectral_pool == "mean":
            return tokens.mean(1).transpose(1, 2)
        return torch.flatten(tokens.transpose(2, 3), 1, 2)  # (B, G, d, N) -> (B, G·d, N)
