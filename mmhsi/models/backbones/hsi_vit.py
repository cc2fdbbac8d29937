"""Plain vision transformer on N bands (dissertation §3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmhsi.arguments import check_choice
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..checks import resolve_out_indices
from ..embeddings import SpectralStemEmbed, build_embedding
from ..layers import (
    PatchEmbed,
    Tokens,
    init_embedding,
    init_linear,
    mask_tokens,
    pad_to_multiple,
    patch_grid,
    prepend_tokens,
    resize_position_table,
    sinusoid_2d,
    take_tokens,
)
from ..layers.rotary import RotaryPositions
from .base import TransformerBackbone
from .vit_arch import FFN_TYPES, ViTArch, resolve_arch, vit_layers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@MODELS.register_module()
class HSIViT(TransformerBackbone):
    """Vision transformer whose patches span all bands.

    Of certain bands, or with ``embedding`` of any: their number and centres may then differ from batch to batch, and
    no weight depends on them.

    Takes any H × W: sides that the patch does not divide are padded by repeating the last row and column, and the
    position table, made for ``img_size``, is interpolated (bicubic) to other grids; rotary positions know no size.

    Args:
        in_channels: Bands C of the input; with an embedding of any bands what the training data have, if anything.
        arch: ``'tiny'`` (d 128, 4 layers, for few labels and CPUs), ``'small'``, ``'base'``, ``'large'`` (the ViT
            sizes of that name) or a dict with ``embed_dims``, ``num_layers``, ``num_heads``,
            ``feedforward_channels``.
        img_size: Side, or (height, width), in pixels, that the position table is made for. Default 64.
        patch_size: Side of a patch in pixels. Default 8.
        out_indices: Layers whose maps are returned; negative counts from the end. Default: the last.
        pos_embed: A table, ``'sincos'`` (fixed, as MAE) or ``'learned'``; or ``'rotary'``, by which every layer turns
            queries and keys, as DINOv3; its norms divide by √(variance + 1e-5), those of the others by + 1e-6.
        num_registers: Register tokens, after CLS and without a position. Default 0; DINOv2 takes 4.
        ffn_type: ``'origin'``, an MLP with GELU, or ``'swiglu_fused'`` of hidden width 2/3 · ``feedforward_channels``.
        layer_scale_init_value: Initial LayerScale of both branches; 0, the default, for none. DINOv2 takes 1e-5.
        with_mask_token: Whether there is a learned token for masked patches, as iBOT needs. Default False.
        frozen_stages: 0 freezes the embedding, k also the first k layers; they stay in eval mode. Default −1: none.
        drop_rate: Dropout after attention and in the MLP.
        drop_path_rate: Stochastic depth of the last layer; earlier ones less, linearly.
        drop_path_uniform: Whether all layers have that of the last, as in DINOv2. Default False.
        norm_maps: Whether the last norm is applied to the maps of earlier layers too, as DINOv2 gives them to decode
            heads. Default False.
        embedding: ``'fixed'``, a linear map of the bands; or of any bands ``'wavelength'`` (weights generated from the
            centres), ``'spectral-stem'`` (convolutions along the spectrum) or ``'band-attention'``, or the config of
            one (:mod:`mmhsi.models.embeddings`).
        wavelengths: Centres of the bands in nm where a batch does not bring its own; for embeddings of any bands, and
            taken from the training data where they know them.
        init_cfg: mmengine's initialisation, e.g. ``dict(type='Pretrained', checkpoint=…, prefix='backbone.')``.

    Raises:
        ConfigError: If a size does not fit.

    Example:
        >>> import torch
        >>> (maps,) = HSIViT(in_channels=30, arch="tiny", img_size=16, patch_size=4)(torch.zeros(2, 30, 16, 16))
        >>> tuple(maps.shape)
        (2, 128, 4, 4)
    """

    pos_embed: Tensor | None
    pos_grid: Tensor

    def __init__(
        self,
        in_channels: int | None = None,
        arch: str | ViTArch = "base",
        img_size: int | tuple[int, int] = 64,
        patch_size: int = 8,
        out_indices: Sequence[int] = (-1,),
        pos_embed: str = "sincos",
        num_registers: int = 0,
        ffn_type: str = "origin",
        layer_scale_init_value: float = 0.0,
        with_mask_token: bool = False,
        frozen_stages: int = -1,
        drop_rate: float = 0.0,
        drop_path_rate: float = 0.0,
        drop_path_uniform: bool = False,
        norm_maps: bool = False,
        embedding: str | Mapping[str, object] = "fixed",
        wavelengths: Sequence[float] | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        sizes = resolve_arch(arch, "HSIViT")
        self.depth = depth = sizes["num_layers"]
        check_choice("HSIViT", "pos_embed", pos_embed, ("sincos", "learned", "rotary"))
        check_choice("HSIViT", "ffn_type", ffn_type, FFN_TYPES)
        if not -1 <= frozen_stages <= depth:
            raise ConfigError(f"HSIViT: frozen_stages={frozen_stages} given, expected -1 to {depth}, the layers")

        self.expect_bands(embedding, in_channels, wavelengths)
        self.embed_dims = sizes["embed_dims"]
        self.patch_size = patch_size
        self.grid = patch_grid(img_size, patch_size)
        self.out_indices = resolve_out_indices("HSIViT", out_indices, depth)
        self.with_mask_token = with_mask_token
        self.frozen_stages = frozen_stages
        self.norm_maps = norm_maps

        any_bands = build_embedding("HSIViT", embedding, self.embed_dims, patch_size, self.wavelengths)
        self.patch_embed = any_bands or PatchEmbed(self.in_channels, self.embed_dims, patch_size)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims))
        self.registers = nn.Parameter(torch.zeros(1, num_registers, self.embed_dims)) if num_registers else None
        self.mask_token = nn.Parameter(torch.zeros(1, 1, self.embed_dims)) if with_mask_token else None
        self.num_extra_tokens = 1 + num_registers  # CLS and registers, before the patch tokens
        self.rotary = None
        if pos_embed == "rotary":
            self.rotary = RotaryPositions(self.embed_dims // sizes["num_heads"])
            self.register_buffer("pos_embed", None)
        else:
            self._make_table(learned=pos_embed == "learned")
        self.drop_after_pos = nn.Dropout(drop_rate)
        self.layers = vit_layers(sizes, drop_rate, drop_path_rate, ffn_type, layer_scale_init_value, drop_path_uniform)
        self.norm = nn.LayerNorm(self.embed_dims, eps=1e-6)

        if isinstance(self.pos_embed, nn.Parameter):
            nn.init.trunc_normal_(self.pos_embed, std=0.02)
        for module in self.modules():
            if self.rotary is not None and isinstance(module, nn.LayerNorm):
                module.eps = 1e-5
        for token in (self.cls_token, self.registers, self.mask_token):
            if token is not None:
                nn.init.normal_(token, std=0.02)
        init_embedding(self.patch_embed)
        init_linear(self.layers)
        self.freeze()

    def _make_table(self, learned: bool) -> None:
        """Positions of CLS and patches, and the grid: N positions alone would not tell 4 x 16 from 8 x 8."""
        table = torch.zeros(1, 1 + self.grid[0] * self.grid[1], self.embed_dims)
        if learned:
            self.pos_embed = nn.Parameter(table)
        else:  # CLS has no position
            table[:, 1:] = sinusoid_2d(*self.grid, self.embed_dims)
            self.register_buffer("pos_embed", table)
        self.register_buffer("pos_grid", torch.tensor(self.grid))

    def freeze(self) -> None:
        """Stop the gradient of what ``frozen_stages`` says and keep it in eval mode."""
        if self.frozen_stages < 0:
            return
        frozen = [self.patch_embed, self.drop_after_pos, *self.layers[: self.frozen_stages]]
        tokens = [self.cls_token, self.registers, self.mask_token, self.pos_embed]
        if self.frozen_stages == len(self.layers):
            frozen.append(self.norm)
        for module in frozen:
            module.eval().requires_grad_(False)
        for token in tokens:
            if isinstance(token, nn.Parameter):
                token.requires_grad_(False)

    def train(self, mode: bool = True) -> HSIViT:
        """Switch between training and evaluation; frozen layers stay in evaluation."""
        super().train(mode)
        self.freeze()
        return self

    def adapt_weight(self, key: str, value: Tensor, state: dict[str, Tensor]) -> Tensor:
        """Fit a checkpoint's position table to this grid; other weights are given back as they are.

        Args:
            key: The weight's name.
            value: The checkpoint's, of any shape.
            state: The checkpoint's state dict.

        Raises:
            ConfigError: If the checkpoint does not say which grid its table has, and it cannot be a square's.
        """
        if key == "pos_grid":
            return value if torch.equal(value.cpu(), self.pos_grid.cpu()) else self.pos_grid
        if key != "pos_embed":
            return value
        patches = value.shape[1] - 1
        side = int(patches**0.5)
        if "pos_grid" not in state and side**2 != patches:
            raise ConfigError(f"HSIViT: the checkpoint's {patches} positions are no square and it has no pos_grid")
        rows, columns = state["pos_grid"].tolist() if "pos_grid" in state else (side, side)
        if (rows, columns) == self.grid:
            return value
        resized = resize_position_table(value[:, 1:], (rows, columns), self.grid)
        return torch.cat([value[:, :1], resized], dim=1)

    def _load_from_state_dict(self, state_dict: dict[str, Tensor], prefix: str, *args: object) -> None:
        given = state_dict.get(f"{prefix}pos_grid")
        if given is not None and self.pos_embed is not None and tuple(given.tolist()) != self.grid:
            raise ConfigError(
                f"HSIViT: the state dict's positions are of a grid {tuple(given.tolist())}, the model's of {self.grid}"
                "; init_cfg=dict(type='Pretrained', …) fits them"
            )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def embed(self, x: Tensor, mask: Tensor | None = None, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Embed images and add positions.

        Args:
            x: Images, shape (B, C, H, W).
            mask: Patches replaced by the mask token, bool (B, h · w); None for none.
            wavelengths: Centres of the bands in nm. Default: the backbone's own.

        Raises:
            ConfigError: If C is not the backbone's ``in_channels``, centres are needed and missing, or a mask does not
                fit or has no mask token.
        """
        tokens, grid = self.patch_embed(x, *self.centres(x, wavelengths))
        if mask is not None:
            if self.mask_token is None:
                raise ConfigError("HSIViT: a mask is given, which needs with_mask_token=True")
            tokens = mask_tokens(tokens, mask, self.mask_token, "HSIViT: mask")
        return Tokens(None, self._placed(tokens, grid), grid)

    @property
    def embeds_pixels(self) -> bool:
        """Whether the embedding does most of its work for every pixel alone."""
        return isinstance(self.patch_embed, SpectralStemEmbed) and self.patch_embed.embeds_pixels

    def embed_pixels(self, x: Tensor) -> Tensor:
        """What the embedding makes of single pixels, if :attr:`embeds_pixels`, (B, C, H, W) to (B, e, H, W).

        Args:
            x: Images, shape (B, C, H, W).
        """
        assert isinstance(self.patch_embed, SpectralStemEmbed)
        return self.patch_embed.embed_pixels(x, *self.centres(x, None))

    def forward_embedded(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Maps of images, as :meth:`forward`, of what :meth:`embed_pixels` made of their pixels.

        Args:
            pixels: Shape (B, e, H, W).
        """
        assert isinstance(self.patch_embed, SpectralStemEmbed)
        patches = self.patch_embed.of_patches(pad_to_multiple(pixels, self.patch_size))
        grid = (patches.shape[2], patches.shape[3])
        tokens = Tokens(None, self._placed(patches.flatten(2).transpose(1, 2), grid), grid)
        return tuple(self.to_map(chosen) for chosen in self.encode(tokens, self.out_indices))

    def _placed(self, tokens: Tensor, grid: tuple[int, int], visible: Tensor | None = None) -> Tensor:
        """Add the table's positions, of some patches or all, where there is one."""
        if self.pos_embed is None:
            return tokens
        table = resize_position_table(self.pos_embed[:, 1:], self.grid, grid)
        return tokens + (table if visible is None else take_tokens(table.expand(len(tokens), -1, -1), visible))

    def encode(self, tokens: Tokens, out_indices: Sequence[int], visible: Tensor | None = None) -> list[Tokens]:
        """Prepend CLS and registers and run the layers; see :class:`TransformerBackbone`.

        Args:
            tokens: From :meth:`embed`, all of them or some.
            out_indices: Layers, counted from 0, whose outputs are returned.
            visible: Which ones, where they are some: indices, row-major over the grid, shape (B, n).
        """
        cls = self.cls_token if self.pos_embed is None else self.cls_token + self.pos_embed[:, :1]
        x = prepend_tokens(tokens.patches, cls, self.registers)
        turns = None if self.rotary is None else self.rotary(tokens.grid, visible)
        outputs = enumerate(self.layers.run(self.drop_after_pos(x), turns))
        normed = range(self.depth) if self.norm_maps else (self.depth - 1,)
        chosen = [self.norm(x) if index in normed else x for index, x in outputs if index in out_indices]
        return [Tokens(x[:, 0], x[:, self.num_extra_tokens :], tokens.grid) for x in chosen]

    def forward_tokens(
        self, x: Tensor, mask: Tensor | None = None, wavelengths: Sequence[float] | None = None
    ) -> Tokens:
        """Encode images to the normalised tokens of the last layer, masked patches replaced by the mask token.

        Args:
            x: Images, shape (B, C, H, W).
            mask: Patches that are hidden, bool (B, h · w); None for none.
            wavelengths: As for :meth:`forward`.
        """
        return self.encode_last(self.embed(x, mask, wavelengths))

    def forward_visible(self, x: Tensor, visible: Tensor, wavelengths: Sequence[float] | None = None) -> Tokens:
        """Encode the visible patches alone; nothing of a hidden patch enters any layer.

        But for DOFA's published embedding, whose patches reach one pixel into those above and to the left.

        Args:
            x: Images, shape (B, C, H, W).
            visible: Indices of the visible patches, row-major over the grid, shape (B, n).
            wavelengths: As for :meth:`forward`.
        """
        grid = patch_grid(x.shape[2:], self.patch_size)
        patches = self._placed(self.patch_embed.some(x, visible, *self.centres(x, wavelengths)), grid, visible)
        return self.encode(Tokens(None, patches, grid), (self.depth - 1,), visible)[0]

    def last_attention(self) -> dict[str, nn.Module]:
        """Attention of the last layer."""
        return {"spatial": self.layers[-1].get_submodule("attn")}
