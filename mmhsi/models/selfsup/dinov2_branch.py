"""One of the two networks of self-distillation: a backbone and its heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from mmengine.model import ModuleDict
from torch import Tensor

from mmhsi.registry import MODELS

from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ..protocols import MaskTokenBackbone
    from .dino_masks import TokenMask


class Stream(NamedTuple):
    """Normalised tokens of one stream of a backbone: CLS (B, d) and the others (B, N, d)."""

    cls: Tensor
    tokens: Tensor


class DINOBranch(QuietInit):
    """Student or teacher.

    Args:
        backbone: The backbone.
        head: Config of the head, without ``in_channels``.
        terms: Losses that go through a head.
        separate_heads: Whether every one has a head of its own; else one serves all.
    """

    def __init__(self, backbone: MaskTokenBackbone, head: dict, terms: Iterable[str], separate_heads: bool) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.embed_dims
        names = terms if separate_heads else ["shared"]
        self.heads = ModuleDict({name: MODELS.build(dict(head, in_channels=width)) for name in names})

    def encode(
        self, crops: Tensor, masks: Sequence[TokenMask | None] = (), wavelengths: Sequence[float] | None = None
    ) -> list[Stream]:
        """Tokens of every stream for crops (V, C, h, w), hidden tokens replaced by the mask token.

        Args:
            crops: Shape (V, C, h, w).
            masks: Hidden tokens of every stream; None where nothing is hidden.
            wavelengths: Centres of the bands in nm, for a backbone of any bands.
        """
        bands: dict[str, Any] = {} if wavelengths is None else {"wavelengths": wavelengths}
        hidden = tuple(mask and mask.hidden for mask in masks)
        tokens = self.backbone.forward_tokens(crops, *hidden, **bands)
        pairs = ((tokens.cls, tokens.patches), (tokens.spectral_cls, tokens.spectral))
        return [Stream(cls, others) for cls, others in pairs if cls is not None and others is not None]

    def score(self, tokens: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Prototype scores (n, K) of the tokens (n, d) of every term; a shared head takes all in one pass.

        Args:
            tokens: By term, each (n, d).
        """
        if "shared" not in self.heads:
            return {term: self.heads[term](some) for term, some in tokens.items()}
        scores = self.heads["shared"](torch.cat(list(tokens.values())))
        return dict(zip(tokens, scores.split([len(some) for some in tokens.values()]), strict=True))
