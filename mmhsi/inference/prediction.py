"""From normalised rows to class probabilities: windows around pixels, and overlapping windows of a segmentor.

What a model is given is prepared in one thread while it works (:func:`scored`); what it gives may be joined in another.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from mmhsi.errors import DataError, counted
from mmhsi.models.preprocessors import WindowSampler, gather_windows

from .blending import blend_weights, window_starts
from .threads import ahead

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

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


Join = Callable[[Tensor | None], PredictedRows | None]


class Batch(NamedTuple):
    """What a model is given at a time.

    Attributes:
        x: Windows (B, C, h, w), or an image (1, C, H, W); None where nothing of its rows holds data.
        join: Takes the scores of ``x``, batch after batch, and gives the rows that are finished with them, or None.
        done: Rows that have been computed with it, parts of rows included.
    """

    x: Tensor | None
    join: Join
    done: float


def scored(
    rows: SceneRows,
    batches: Iterator[Batch],
    score: Callable[[Tensor], Tensor],
    progress: Callable[[float], None] | None = None,
) -> Generator[tuple[Batch, Tensor | None]]:
    """Pass batches through a model while a thread prepares the next one.

    Args:
        rows: The scene.
        batches: Its batches.
        score: The model, on windows or an image.
        progress: Called after every batch with the rows done, parts of rows included. Default None.

    Yields:
        Each batch, and its scores; None without windows.
    """
    with closing(ahead(batches)) as prepared:
        for batch in prepared:
            scores = None if batch.x is None else score(batch.x)
            rows.say_doubts()
            if progress is not None:
                progress(batch.done)
            yield batch, scores


def finished_rows(join: Join, scores: Tensor | None) -> PredictedRows | None:
    """The rows that are finished with a batch's scores, or None.

    Args:
        join: The batch's.
        scores: What the model gave.

    Raises:
        DataError: If what a model makes of a pixel with data is no number, as of values that are far too large.
    """
    made = join(scores)
    if made is None:
        return None
    wrong = ~made.scores.sum(dim=0).isfinite().cpu().numpy() & made.valid
    if wrong.any():
        row, column = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"what the model makes of {counted(int(wrong.sum()), 'pixel')} is no number, first at row "
            f"{made.first + row}, column {column}: the scene's values there are too large for it; expected a scene "
            "whose broken pixels are marked as no data, or a mask"
        )
    return made


def joined(parts: Iterator[tuple[Batch, Tensor | None]]) -> Iterator[PredictedRows]:
    """The rows of what :func:`scored` gives, from top to bottom; errors as of :func:`finished_rows`."""
    for batch, scores in parts:
        made = finished_rows(batch.join, scores)
        if made is not None:
            yield made


@torch.inference_mode()
def pixel_batches(
    rows: SceneRows,
    num_classes: int,
    window: tuple[int, int],
    batch_size: int,
    start: int = 0,
    stop: int | None = None,
    embed: Callable[[Tensor], Tensor] | None = None,
) -> Iterator[Batch]:
    """Windows around every pixel that holds data, whose centre the model classifies.

    Args:
        rows: The scene; borders are mirrored, as often as a window needs.
        num_classes: K of the scores (B, K).
        window: (h, w) in pixels.
        batch_size: Windows at a time.
        start: Row to begin with, where an earlier run stopped.
        stop: Row to end before. Default: the scene's height.
        embed: Makes of each pixel alone what the windows are cut of, (H, W, C) to (H, W, e). Default None: they are cut
            of the pixels.
    """
    (height, width), (h, w) = rows.shape, window
    top, left = h // 2, w // 2
    rows.pad_columns(-left, width + (w - 1) // 2)
    step, stop = strip_rows(width, batch_size), height if stop is None else stop
    above = None  # the embedded rows that the next strip sees again
    for first in range(start, stop, step):
        count = min(step, stop - first)
        scene, padded_valid = rows.take(first - top, first + count + (h - 1) // 2)
        valid = padded_valid[top : top + count, left : left + width]
        if embed is not None and not valid.any():
            above = None
        elif embed is not None:
            scene = embed(scene) if above is None else torch.cat([above, embed(scene[h - 1 :])])
            above = scene[count:].clone()
        # Found on the host: a mask of the device would be waited for, here and where scores take their places.
        places = torch.from_numpy(np.stack(valid.nonzero())).to(scene.device)
        strip = _Pixels(first, valid, places, num_classes)
        sampler = WindowSampler(scene, margin=window)
        batches = places.split(batch_size, dim=1)  # one, empty, where nothing holds data
        for number, (y, x) in enumerate(batches, 1):
            windows = sampler.windows(y, x, window) if len(y) else None
            join = partial(strip.join, number == len(batches))
            yield Batch(windows, join, first + count * number / len(batches))


class _Pixels:
    """Some rows whose pixels get their scores batch by batch."""

    def __init__(self, first: int, valid: NDArray, places: Tensor, num_classes: int) -> None:
        self.first = first
        self.valid = valid
        self.places = places
        self.num_classes = num_classes
        self._parts: list[Tensor] = []

    def join(self, whole: bool, scores: Tensor | None) -> PredictedRows | None:
        """Take the scores (B, K) of the next windows; give the rows with those that make them whole."""
        if scores is not None:
            self._parts.append(scores)
        if not whole:
            return None
        made = torch.zeros(*self.valid.shape, self.num_classes, device=self.places.device)
        if self._parts:
            made[self.places[0], self.places[1]] = torch.cat(self._parts)
        return PredictedRows(self.first, made.permute(2, 0, 1), self.valid)


@torch.inference_mode()
def row_batches(rows: SceneRows, window: tuple[int, int], start: int = 0, stop: int | None = None) -> Iterator[Batch]:
    """Some rows at a time, where a network's layers need no windows; its scores are (K, H − h + 1, W − w + 1).

    They give what :func:`pixel_batches` does but for rounding.

    Args:
        rows: The scene; borders are mirrored, as often as a window needs.
        window: (h, w) in pixels.
        start: Row to begin with, where an earlier run stopped.
        stop: Row to end before. Default: the scene's height.
    """
    (height, width), (h, w) = rows.shape, window
    top, left = h // 2, w // 2
    rows.pad_columns(-left, width + (w - 1) // 2)
    step, stop = strip_rows(width), height if stop is None else stop
    for first in range(start, stop, step):
        count = min(step, stop - first)
        scene, padded_valid = rows.take(first - top, first + count + (h - 1) // 2)
        valid = padded_valid[top : top + count, left : left + width]
        yield Batch(scene.permute(2, 0, 1)[None], partial(_as_they_are, first, valid), first + count)


def _as_they_are(first: int, valid: NDArray, scores: Tensor | None) -> PredictedRows | None:
    """The scores of whole rows."""
    return None if scores is None else PredictedRows(first, scores, valid)


@torch.inference_mode()
def window_batches(
    rows: SceneRows,
    num_classes: int,
    window: tuple[int, int],
    stride: tuple[int, int],
    batch_size: int,
    start: int = 0,
    stop: int | None = None,
    of_values: bool = False,
) -> Iterator[Batch]:
    """Overlapping windows of a segmentor, whose logits, or values, (B, K, h, w) are blended.

    A scene smaller than a window is mirrored up to its size, below and to the right. Windows without a single pixel of
    data are skipped.

    Args:
        rows: The scene.
        num_classes: K.
        window: (h, w) in pixels.
        stride: Step between windows, at most ``window``.
        batch_size: Windows at a time, all of one row of windows.
        start: Row to begin with, where an earlier run stopped; windows that reach it from above are computed again, so
            that the sums are the same to the last bit.
        stop: Row to end before. Default: the scene's height.
        of_values: Whether the model gives values, which stay as they are blended. Default False.
    """
    scene_height, scene_width = rows.shape
    h, w = window
    stop = scene_height if stop is None else stop
    height, width = max(scene_height, h), max(scene_width, w)
    rows.pad_columns(0, width)
    tops, lefts = window_starts(height, h, stride[0]), window_starts(width, w, stride[1])
    across = blend_weights(width, w, lefts).to(rows.device)
    sums = _Sums(torch.zeros(num_classes, h, width, device=rows.device), across, lefts, of_values)
    down = blend_weights(height, h, tops).tolist()
    for top, following, weights in zip(tops, [*tops[1:], height], down, strict=True):
        if top + h <= start:
            continue
        if top >= stop:
            break
        scene, valid = rows.take(top, top + h)
        span = max(top, start), min(following, stop)
        strip = _WindowRow(top, following, span, weights, valid[:, :scene_width])
        chosen = [index for index, left in enumerate(lefts) if valid[:, left : left + w].any()]
        parts = [chosen[i : i + batch_size] for i in range(0, len(chosen), batch_size)] or [[]]
        for number, part in enumerate(parts, 1):
            x = None
            if part:
                corners = torch.tensor([lefts[index] for index in part], device=scene.device)
                x = gather_windows(scene, torch.zeros_like(corners), corners, window).permute(0, 3, 1, 2)
            done = min(top + number / len(parts) * (following - top), scene_height)
            yield Batch(x, partial(sums.join, strip, part, number == len(parts)), done)


class _WindowRow(NamedTuple):
    """A row of windows: its first pixels' row, that of the next one, rows that it finishes, its weights downwards."""

    top: int
    following: int
    finishes: tuple[int, int]
    weights: list[float]
    valid: NDArray


class _Sums:
    """Weighted sums of what overlapping windows say, of the rows that windows still to come may reach."""

    def __init__(self, sums: Tensor, across: Tensor, lefts: list[int], of_values: bool) -> None:
        self.sums = sums  # (K, h, W)
        self.across = across
        self.lefts = lefts
        self.of_values = of_values

    def join(self, row: _WindowRow, windows: list[int], whole: bool, scores: Tensor | None) -> PredictedRows | None:
        """Add some windows of a row; give the rows that no window to come reaches with the last of them."""
        if scores is not None:
            weights, width = torch.tensor(row.weights, device=scores.device)[:, None], self.across.shape[1]
            weighted = scores.mul_(weights).mul_(self.across[windows][:, None, None])
            for index, part in zip(windows, weighted, strict=True):
                left = self.lefts[index]
                self.sums[:, :, left : left + width] += part
        if not whole:
            return None
        made, (first, last) = None, row.finishes
        if first < last:
            done, width = slice(first - row.top, last - row.top), row.valid.shape[1]
            some = self.sums[:, done, :width]
            made = PredictedRows(first, some.clone() if self.of_values else some.softmax(dim=0), row.valid[done])
        passed = row.following - row.top
        self.sums = self.sums.roll(-passed, 1)
        self.sums[:, self.sums.shape[1] - passed :] = 0
        return made
