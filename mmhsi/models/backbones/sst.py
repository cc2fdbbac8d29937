"""Spatial-spectral transformer on 3-D patches (LO-SST paper §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import resolve_out_indices
from ..embeddings.spectral_blocks import SpectralBlocks
from ..layers import PrunableLayers, Tokens, init_linear, take_tokens
from ..layers.blockwise_embed import BlockwiseEmbed
from ..layers.learned_block_position import LearnedBlockPosition
from ..layers.spatial_spectral_position import SpatialSpectralPosition
from ..layers.transformer_layer import TransformerLayer
from ..layers.visible_rows import row_buckets, run_rows
from ..weights.spectral_weights import interpolate_blocks
from .base import TransformerBackbone
from .vit_arch import drop_path_rates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..embeddings.spectral_blocks import FilledBlocks


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
    if min(cast("dict[str, int]", arch).values()) < 1:
        raise ConfigError(f"SST: arch={dict(arch)} has a size below 1")
    return arch


@MODELS.register_module()
class SST(TransformerBackbone):
    """Spatial-spectral transformer with factorised attention.

    The cube is cut into p × p × q patches: a grid of G = C / q blocks and N = h · w places. All spatial layers run on
    each block's own N tokens, then all spectral layers on each place's own G tokens. With sinusoidal positions and
    padding by repetition any H × W works.

    Of certain bands, or of any: the blocks are then ranges in nm (:class:`~mmhsi.models.embeddings.spectral_blocks.
    SpectralBlocks`), each with a map of its own, and an image has tokens of those in which it has bands.

    The paper's Base is ``'base'`` (68,064 parameters a layer); the paper's table calls it depth 8 with 8 heads, which
    its parameter count contradicts.

    Args:
        in_channels: Bands C of the input; as for :class:`HSIViT`.
        arch: ``'tiny'`` (d 48, 2 + 2 layers, 2 heads of 24: ours, for few labels), ``'base'`` (d 48, 4 + 4 layers,
            4 heads of 64), ``'large'`` (d 84, 6 + 6 layers, 6 heads of 64), or a dict with ``embed_dims``,
            ``spatial_layers``, ``spectral_layers``, ``num_heads``, ``head_dims``, ``feedforward_channels``.
        patch_size: p, side of a patch in pixels. Default 8.
        bands_per_block: q, bands of a patch; of any bands samples of the spectrum. Default 4.
        band_padding: ``'repeat'`` repeats the last band where q does not divide C, ``'refuse'`` is an error.
        norm_before: Whether a LayerNorm takes a patch's level and contrast away before its linear map. Default True.
        wavelengths: Band centres in nm, length C. Spectral positions are then the blocks' mean wavelengths; without
            them the blocks' indices. Of any bands as for :class:`HSIViT`.
        position_grid: (rows, columns) of tokens for which positions are learned, as MaskedSST's are; other grids are
            interpolated. Default None: sinusoids.
        final_norm: Whether a LayerNorm follows the last layer. Default True.
        out_indices: Layers whose maps are returned, spatial layers 0 to S - 1 and spectral layers S to S + T - 1;
            negative counts from the end. Default: the last.
        spectral_pool: How a map is made of G blocks: ``'mean'`` gives d channels, ``'concat'`` G · d (block-major).
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly. It is drawn for each block's
            tokens in spatial layers and for each place's in spectral ones.
        embedding: ``'fixed'``, or of any bands ``'spectral-blocks'`` or, for another spectrum than 350 to 2550 nm in
            steps of 10, ``dict(low=…, high=…, step=…)``.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size does not fit.
    """

    with_cls = False

    def __init__(
        self,
        in_channels: int | None = None,
        arch: str | SSTArch = "base",
        patch_size: int = 8,
        bands_per_block: int = 4,
        band_padding: str = "repeat",
        norm_before: bool = True,
        wavelengths: Sequence[float] | None = None,
        position_grid: tuple[int, int] | None = None,
        final_norm: bool = True,
        out_indices: Sequence[int] = (-1,),
        spectral_pool: str = "mean",
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        embedding: str | Mapping[str, float] = "fixed",
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch)
        self.depth = depth = sizes["spatial_layers"] + sizes["spectral_layers"]
        check_choice("SST", "spectral_pool", spectral_pool, ("mean", "concat"))

        self.expect_bands(embedding, in_channels, wavelengths)
        if isinstance(embedding, str):
            check_choice("SST", "embedding", embedding, ("fixed", "spectral-blocks"))
        for name in () if isinstance(embedding, str) else embedding:
            check_choice("SST", "embedding's option", name, ("low", "high", "step"))
        if self.any_bands and spectral_pool == "concat":
            raise ConfigError("SST: spectral_pool='concat' needs blocks of certain bands, expected 'mean'")
        self.embed_dims = sizes["embed_dims"]
        self.patch_size = patch_size
        self.out_indices = resolve_out_indices("SST", out_indices, depth)
        self.spectral_pool = spectral_pool

        self.blocks = None
        if self.any_bands:
            self.blocks = SpectralBlocks("SST", bands_per_block, **({} if isinstance(embedding, str) else embedding))
            if self.wavelengths is not None:
                self.blocks.filled(self.wavelengths, torch.zeros(()))  # which checks that blocks hold them
        bands = self.in_channels if self.blocks is None else self.blocks.count * bands_per_block
        self.patch_embed = BlockwiseEmbed(
            bands, self.embed_dims, patch_size, bands_per_block, band_padding, norm_before, owner="SST"
        )
        self.num_blocks = self.patch_embed.num_blocks
        self.out_channels = self.embed_dims * (self.num_blocks if spectral_pool == "concat" else 1)
        self.block_positions = self._spectral_positions(wavelengths)
        self.position = (
            SpatialSpectralPosition(self.embed_dims, self.block_positions, owner="SST")
            if position_grid is None
            else LearnedBlockPosition(self.embed_dims, self.num_blocks, position_grid, owner="SST")
        )
        self.drop_after_pos = nn.Dropout(drop_rate)
        layers = [
            TransformerLayer(
                self.embed_dims,
                sizes["num_heads"],
                sizes["head_dims"],
                sizes["feedforward_channels"],
                drop_rate,
                rate,
            )
            for rate in drop_path_rates(drop_path_rate, depth)
        ]
        self.spatial_layers = PrunableLayers(layers[: sizes["spatial_layers"]])
        self.spectral_layers = PrunableLayers(layers[sizes["spatial_layers"] :])
        self.norm = nn.LayerNorm(self.embed_dims) if final_norm else nn.Identity()
        init_linear(self.spatial_layers)
        init_linear(self.spectral_layers)

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
        if self.blocks is not None:
            return self.blocks.centres()
        if wavelengths is None:
            return [float(index) for index in range(self.num_blocks)]
        return self.block_centres(wavelengths)

    def prunable_stages(self) -> dict[str, PrunableLayers]:
        """Layers that may be pruned, by stage; the stages run one after another in this order."""
        return {"spatial": self.spatial_layers, "spectral": self.spectral_layers}

    def fixed_band_axes(self) -> dict[str, int]:
        """Weights that depend on the bands, and the axis of the blocks."""
        learned = {"position.table": 0} if isinstance(self.position, LearnedBlockPosition) else {}
        return {"patch_embed.weight": 0, "patch_embed.bias": 0, **learned}

    def resample_bands(self, key: str, value: Tensor, source: Sequence[float], target: Sequence[float]) -> Tensor:
        """Fit the maps of a checkpoint's blocks to the blocks of other bands, both with centres in nm.

        Args:
            key: The weight's name.
            value: The checkpoint's, shape (G, …), G its blocks.
            source: Band centres of the checkpoint in nm.
            target: Band centres of this model in nm.
        """
        return interpolate_blocks(value, self.block_centres(source), self.block_centres(target))

    def first_depths(self) -> dict[str, int]:
        """Depth of the first layer of each stage: the spectral layers follow on the spatial ones."""
        return {"spatial_layers": 1, "spectral_layers": 1 + len(self.spatial_layers)}

    def filled(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> FilledBlocks | None:
        """Blocks that the bands of images fill; None of fixed bands, which are all blocks' in turn.

        Args:
            x: Images, shape (B, C, H, W).
            wavelengths: Centres of the bands in nm. Default: the backbone's own.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``, or centres are needed and missing or of no block.
        """
        centres = self.centres(x, wavelengths)
        return None if self.blocks is None else self.blocks.filled(centres[0], x)

    @staticmethod
    def samples(x: Tensor, filled: FilledBlocks | None) -> Tensor:
        """Images (B, G · q, H, W) of the samples of blocks; of fixed bands the images themselves.

        Args:
            x: Images, shape (B, C, H, W).
            filled: From :meth:`filled`.
        """
        return x if filled is None else (filled.resample @ x.flatten(2)).unflatten(2, x.shape[2:])

    def embed(self, x: Tensor, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Embed images and add positions; arguments and errors as for :meth:`filled`."""
        filled = self.filled(x, wavelengths)
        blocks = None if filled is None else filled.blocks
        tokens, grid = self.patch_embed(self.samples(x, filled), blocks)
        positions = self.position(grid).to(tokens.dtype)
        positions = positions if blocks is None else positions[blocks]
        return Tokens(None, (tokens + positions).flatten(1, 2), grid)

    def encode(self, tokens: Tokens, out_indices: Sequence[int]) -> list[Tokens]:
        """Run the spatial layers, then the spectral ones; see :class:`TransformerBackbone`.

        The arguments are as for :meth:`TransformerBackbone.encode`.
        """
        batch = tokens.patches.shape[0]
        blocks = self.by_block(self.drop_after_pos(tokens.patches), tokens.grid).flatten(0, 1)  # (B·G, N, d)
        spatial = [rows.unflatten(0, (batch, -1)) for rows in [*self.spatial_layers.run(blocks)]]  # (B, G, N, d)

        places = spatial[-1].transpose(1, 2).flatten(0, 1)  # (B, G, N, d) -> (B·N, G, d)
        *spectral, last = self.spectral_layers.run(places)
        spectral = [rows.unflatten(0, (batch, -1)).transpose(1, 2) for rows in (*spectral, self.norm(last))]

        outputs = spatial + spectral
        return [tokens._replace(patches=outputs[index].flatten(1, 2)) for index in out_indices]

    def encode_rows(self, tokens: Tensor, hidden: Tensor) -> Tensor:
        """Run the layers on visible tokens alone; blocks and places without any are passed over.

        Args:
            tokens: Tokens with positions added, shape (B, G, N, d).
            hidden: Bool, shape (B, G, N), not all True.

        Returns:
            Normalised tokens of the last layer, shape (B, G, N, d). What stands at hidden places means nothing.
        """
        numbers = torch.arange(hidden.numel(), device=hidden.device).view_as(hidden)
        blocks = hidden.flatten(0, 1), numbers.flatten(0, 1)  # (B·G, N)
        places = hidden.transpose(1, 2).flatten(0, 1), numbers.transpose(1, 2).flatten(0, 1)  # (B·N, G)
        # A wait for the device: how many tokens are visible decides about shapes. A bound that holds for every mask
        # would be all of them.
        counts = torch.cat([(~mask).sum(1) for mask, _ in (blocks, places)]).cpu()
        in_blocks, in_places = counts.split([len(blocks[0]), len(places[0])])
        x = self.drop_after_pos(tokens).flatten(0, 2)
        x = run_rows(x, row_buckets(*blocks, in_blocks), self.spatial_layers)
        x = run_rows(x, row_buckets(*places, in_places), self.spectral_layers)
        return self.norm(x).view_as(tokens)

    def forward_visible(self, x: Tensor, visible: Tensor, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Encode the visible patches alone; nothing of a hidden patch enters any layer.

        Args:
            x: Images, shape (B, C, H, W).
            visible: Indices of the visible patches, row-major over the grid, block by block, shape (B, n), n above 0.
            wavelengths: As for :meth:`filled`.
        """
        tokens = self.embed(x, wavelengths)
        hidden = torch.ones(tokens.patches.shape[:2], dtype=torch.bool, device=x.device).scatter_(1, visible, False)
        hidden = hidden.unflatten(1, (-1, tokens.grid[0] * tokens.grid[1]))
        encoded = self.encode_rows(self.by_block(tokens.patches, tokens.grid), hidden).flatten(1, 2)
        return tokens._replace(patches=take_tokens(encoded, visible))

    @staticmethod
    def by_block(patches: Tensor, grid: tuple[int, int]) -> Tensor:
        """Give the blocks an axis of their own: (B, G · N, d) -> (B, G, N, d).

        Args:
            patches: Shape (B, G · N, d).
            grid: (h, w) with N = h · w.
        """
        return patches.unflatten(1, (-1, grid[0] * grid[1]))

    def to_map(self, tokens: Tokens) -> Tensor:
        """Make a map (B, d, h, w), or (B, G · d, h, w) with ``spectral_pool='concat'``.

        The arguments are as for :meth:`TransformerBackbone.to_map`.
        """
        blocks = self.by_block(tokens.patches, tokens.grid)
        if self.spectral_pool == "mean":
            return blocks.mean(1).transpose(1, 2).unflatten(2, tokens.grid)
        return blocks.transpose(2, 3).flatten(1, 2).unflatten(2, tokens.grid)  # (B, G, d, N) -> (B, G·d, h, w)
