"""One of the two networks of self-distillation: a backbone and its heads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from mmengine.model import BaseModule, ModuleDict
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .dino_masks import TokenMask


class Stream(NamedTuple):
    """Normalised tokens of one stream of a backbone: CLS (B, d) and the others (B, N, d)."""

    cls: Tensor
    tokens: Tensor


def stream_prefixes(backbone: BaseModule) -> tuple[str, ...]:
    """What the names of each stream's terms begin with.

    Args:
        backbone: The student's.

    Raises:
        ConfigError: If it gives no CLS and patch tokens.
    """
    if hasattr(backbone, "spectral_cls_token") and hasattr(backbone, "num_groups"):
        return ("", "spectral_")
    if hasattr(backbone, "cls_token") and hasattr(backbone, "forward_tokens"):
        return ("",)
    raise ConfigError(
        f"DINOv2: backbone {type(backbone).__name__} gives no CLS and patch tokens that can be masked, expected HSIViT "
        "or SpatialSpectralViT"
    )


class DINOBranch(BaseModule):
    """Student or teacher.

    Args:
        backbone: Backbone whose ``forward_tokens(x, *masks)`` takes a mask for each stream and gives CLS and tokens of
            each in turn, then the grid.
        head: Config of the head, without ``in_channels``.
        terms: Losses that go through a head.
        separate_heads: Whether every one has a head of its own; else one serves all.
    """

    def __init__(self, backbone: BaseModule, head: dict, terms: Iterable[str], separate_heads: bool) -> None:
        super().__init__()
        self.backbone = backbone
        width = backbone.embed_dims
        names = terms if separate_heads else ["shared"]
        self.heads = ModuleDict({name: MODELS.build(dict(head, in_channels=width)) for name in names})

    def encode(self, crops: Tensor, masks: Sequence[TokenMask | None] = ()) -> list[Stream]:
        """Tokens of every stream for crops (V, C, h, w), hidden tokens replaced by the mask token.

        Args:
            crops: Shape (V, C, h, w).
            masks: Hidden tokens of every stream; None where nothing is hidden.
        """
        parts = self.backbone.forward_tokens(crops, *(mask and mask.hidden for mask in masks))[:-1]
        return [Stream(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]

    def score(self, tokens: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Prototype scores (n, K) of the tokens (n, d) of every term; a shared head takes all in one pass.

        Args:
            tokens: By term, each (n, d).
        """
        if "shared" not in self.heads:
            return {term: self.heads[term](some) for term, some in tokens.items()}
        scores = self.heads["shared"](torch.cat(list(tokens.values())))
        return dict(zip(tokens, scores.split([len(some) for some in tokens.values()]), strict=True))
