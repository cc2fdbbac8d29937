"""From normalised rows to class probabilities: windows around pixels, and overlapping windows of a segmentor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmhsi.models.preprocessors import WindowSampler, gather_windows

from .blending import blend_weights, window_starts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from .scene_rows import SceneRows

STRIP = 1 << 14
"""Pixels that are classified before their rows are given out."""


def strip_rows(width: int, batch_size: int = 0) -> int:
    """Rows that pixel classifiers take at a time; what begins at a multiple of them is put into the same batches.

    Args:
        width: Pixels a row.
        batch_size: Windows at a time; 0 where rows are passed whole.
    """
    return max(1, max(STRIP, batch_size) // width)


class PredictedRows(NamedTuple):
    """Prediction of some rows.

    Attributes:
        first: First row.
        scores: Class probabilities, float32, shape (K, rows, W); of pixels without data they mean nothing.
        valid: Which pixels hold data, bool (rows, W).
    """

    first: int
    scores: Tensor
    valid: NDArray

    def above(self, last: int) -> PredictedRows:
        """Those of the rows that lie above another."""
        count = last - self.first
        return (
            self if count >= len(self.valid) else PredictedRows(self.first, self.scores[:, :count], self.valid[:count])
        )


def classify_rows(
    rows: SceneRows,
    score: Callable[[Tensor], Tensor],
    num_classes: int,
    window: tuple[int, int],
    batch_size: int,
    start: int = 0,
    progress: Callable[[float], None] | None = None,
) -> Iterator[PredictedRows]:
    """Classify every pixel that holds data by the window around it.

    Args:
        rows: The scene; borders are mirrored, as often as a window needs.
        score: Gives the class probabilities (B, K) of windows (B, C, h, w).
        num_classes: K.
        window: (h, w) in pixels.
        batch_size: Windows at a time.
        start: Row to begin with, where an earlier run stopped.
        progress: Called after every batch with the rows done, parts of rows included. Default None.

    Yields:
        The rows from top to bottom.
    """
    (height, width), (h, w) = rows.shape, window
    top, left = h // 2, w // 2
    rows.pad_columns(-left, width + (w - 1) // 2)
    step = strip_rows(width, batch_size)
    for first in range(start, height, step):
        count = min(step, height - first)
        scene, padded_valid = rows.take(first - top, first + count + (h - 1) // 2)
        valid = padded_valid[top : top + count, left : left + width]
        # Found on the host: a mask of the device would be waited for, here and where scores take their places.
        places = torch.from_numpy(np.stack(valid.nonzero())).to(scene.device)
        scores = torch.zeros(count, width, num_classes, device=scene.device)
        if places.numel():
            sampler = WindowSampler(scene, margin=window)
            batches = places.split(batch_size, dim=1)
            parts = []
            for index, batch in enumerate(batches):
                parts.append(score(sampler.windows(batch[0], batch[1], window)))
                if progress is not None:
                    progress(first + count * (index + 1) / len(batches))
            scores[places[0], places[1]] = torch.cat(parts)
        yield PredictedRows(first, scores.permute(2, 0, 1), valid)


def classify_dense(
    rows: SceneRows,
    score: Callable[[Tensor, tuple[int, int]], Tensor],
    window: tuple[int, int],
    start: int = 0,
) -> Iterator[PredictedRows]:
    """Classify all pixels of some rows at once, where a network's layers need no windows.

    Args:
        rows: The scene; borders are mirrored, as often as a window needs.
        score: Gives the class probabilities (K, H − h + 1, W − w + 1) of an image (1, C, H, W).
        window: (h, w) in pixels.
        start: Row to begin with, where an earlier run stopped.

    Yields:
        The rows from top to bottom, as :func:`classify_rows` gives them but for rounding.
    """
    (height, width), (h, w) = rows.shape, window
    top, left = h // 2, w // 2
    rows.pad_columns(-left, width + (w - 1) // 2)
    step = strip_rows(width)
    for first in range(start, height, step):
        count = min(step, height - first)
        scene, padded_valid = rows.take(first - top, first + count + (h - 1) // 2)
        valid = padded_valid[top : top + count, left : left + width]
        yield PredictedRows(first, score(scene.permute(2, 0, 1)[None], window), valid)


def segment_rows(
    rows: SceneRows,
    logits: Callable[[Tensor], Tensor],
    num_classes: int,
    window: tuple[int, int],
    stride: tuple[int, int],
    batch_size: int,
    start: int = 0,
    progress: Callable[[float], None] | None = None,
    of_values: bool = False,
) -> Iterator[PredictedRows]:
    """Segment a scene by overlapping windows and blend their logits, or values.

    A scene smaller than a window is mirrored up to its size, below and to the right. Windows without a single pixel of
    data are skipped.

    Args:
        rows: The scene.
        logits: Gives the logits (B, K, h, w) of windows (B, C, h, w), float32.
        num_classes: K.
        window: (h, w) in pixels.
        stride: Step between windows, at most ``window``.
        batch_size: Windows at a time, all of one row of windows.
        start: Row to begin with, where an earlier run stopped; windows that reach it from above are computed again, so
            that the sums are the same to the last bit.
        progress: Called after every batch with the rows done, parts of rows included. Default None.
        of_values: Whether the model gives values, which stay as they are blended. Default False.

    Yields:
        The rows from top to bottom.
    """
    scene_height, scene_width = rows.shape
    h, w = window
    height, width = max(scene_height, h), max(scene_width, w)
    rows.pad_columns(0, width)
    tops, lefts = window_starts(height, h, stride[0]), window_starts(width, w, stride[1])
    down = blend_weights(height, h, tops).tolist()
    across = blend_weights(width, w, lefts)
    sums: Tensor | None = None
    for top, following, weights in zip(tops, [*tops[1:], height], down, strict=True):
        if top + h <= start:
            continue
        scene, valid = rows.take(top, top + h)
        if sums is None:  # rows that windows still to come may reach: at most one window high
            sums = torch.zeros(num_classes, h, width, device=scene.device)
            across = across.to(scene.device)
        weight = torch.tensor(weights, device=scene.device)[:, None]
        chosen = [index for index, left in enumerate(lefts) if valid[:, left : left + w].any()]
        for batch in (chosen[i : i + batch_size] for i in range(0, len(chosen), batch_size)):
            corners = torch.tensor([lefts[index] for index in batch], device=scene.device)
            x = gather_windows(scene, torch.zeros_like(corners), corners, window).permute(0, 3, 1, 2)
            weighted = logits(x).mul_(weight).mul_(across[batch][:, None, None])
            for index, part in zip(batch, weighted, strict=True):
                sums[:, :, lefts[index] : lefts[index] + w] += part
            if progress is not None:
                share = (chosen.index(batch[-1]) + 1) / len(chosen)
                progress(min(top + share * (following - top), scene_height))
        first, last = max(top, start), min(following, scene_height)
        if first < last:
            done = slice(first - top, last - top)
            made = sums[:, done, :scene_width]
            made = made.clone() if of_values else made.softmax(dim=0)
            yield PredictedRows(first, made, valid[done, :scene_width])
        passed = following - top
        sums = sums.roll(-passed, 1)
        sums[:, h - passed :] = 0
