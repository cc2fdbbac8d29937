"""Rows of visible tokens, sorted into few widths: what of a random mask costs compute."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from ..masking import visible_first

if TYPE_CHECKING:
    from .prunable import PrunableLayers

# Rows up to the width of the shortest 40, 70, 90 and 100 % run together. Of a random 75 % mask over 29 x 16 x 16 tokens
# that pads 5 % of the spatial and 15 % of the spectral rows' tokens, where one width pads 20 to 30 % and 110 %; more
# widths save little and cost more calls.
SHARES = (0.4, 0.7, 0.9, 1.0)
# cuDNN's attention plans each shape anew, on the host; under random masks no two steps have the same shapes.
ANY_SHAPE = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


class RowBucket(NamedTuple):
    """Rows of tokens of about the same length.

    Attributes:
        numbers: Numbers of the tokens, visible ones first in each row, shape (R, m), m the longest row's length.
        padding: Bool, shape (R, m), True = not a visible token; None where all rows are m long.
    """

    numbers: Tensor
    padding: Tensor | None


def row_buckets(hidden: Tensor, numbers: Tensor, lengths: Tensor) -> list[RowBucket]:
    """Sort rows by how many of their tokens are visible; rows without any are left out.

    Shorter rows are filled up with hidden tokens of their own, to which none attends, so that no token stands in the
    result twice.

    Args:
        hidden: Bool, shape (R, n).
        numbers: Numbers of the tokens, shape (R, n).
        lengths: Visible tokens of each row, shape (R,), on the CPU, since they decide about shapes.

    Returns:
        At most one bucket for each of ``SHARES``; one without padding where all rows are equally long or empty, as
        under tube masks.
    """
    device = hidden.device
    filled = lengths[lengths > 0].sort().values
    widths = filled[[round(share * (len(filled) - 1)) for share in SHARES]].unique()
    place = torch.searchsorted(widths, lengths).masked_fill_(lengths == 0, -1)
    numbers = numbers.gather(1, visible_first(hidden))
    buckets = []
    for bucket, width in enumerate(widths.tolist()):
        rows = (place == bucket).nonzero()[:, 0]
        padding = torch.arange(width) >= lengths[rows, None]
        index = numbers[rows.to(device), :width]
        buckets.append(RowBucket(index, padding.to(device) if padding.any() else None))
    return buckets


def run_rows(tokens: Tensor, buckets: list[RowBucket], stage: PrunableLayers) -> Tensor:
    """Run the layers of one stage on the visible tokens alone.

    Args:
        tokens: All tokens, shape (T, d).
        buckets: Rows, from :func:`row_buckets`.
        stage: ``spatial_layers`` or ``spectral_layers`` of an SST.

    Returns:
        Tensor of shape (T, d). What stands at hidden tokens means nothing.
    """
    index = torch.cat([bucket.numbers.flatten() for bucket in buckets])
    parts = tokens.index_select(0, index).split([bucket.numbers.numel() for bucket in buckets])
    ragged = any(bucket.padding is not None for bucket in buckets)
    with sdpa_kernel(ANY_SHAPE) if ragged else nullcontext():
        rows = [
            [*stage.run(part.unflatten(0, bucket.numbers.shape), bucket.padding)][-1].flatten(0, 1)
            for part, bucket in zip(parts, buckets, strict=True)
        ]
    return tokens.index_copy(0, index, torch.cat(rows))
