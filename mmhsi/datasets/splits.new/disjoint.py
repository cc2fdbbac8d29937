"""Training and test pixels from different parts of the scene, with a guard band between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmhsi.datasets.labels import IGNORE_INDEX
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

from .leakage import assert_disjoint, leaking, window_sides
from .split import Split, check_split

DRAWS = 20
"""Draws of training blocks that are compared; more would not mend a class that lies in one block."""


@SPLITS.register_module()
class DisjointSplit:
    """Blocks of the scene train or test, and no test pixel lies in the window of a training pixel.

    1. The scene is cut into ``block`` x ``block`` blocks from its upper left corner. Those that hold labelled pixels
       are put in random order; the first ``train_share`` of them are training blocks. A class that has no pixel in
       them adds the next block of the order that holds it.
    2. Up to ``per_class`` random pixels of every class in the training blocks train. The others there are left out.
    3. The labelled pixels of all other blocks test, except for those that a training window shows.
    4. This is done up to 20 times. The first draw is taken in which every class has test pixels and min(``per_class``,
       half of the class) training pixels; where there is none, the draw with the fewest untested classes, then with
       the fewest missing training pixels. Classes that end up untested are named in the protocol.

    The result is asserted (:func:`assert_disjoint`), whatever the rules above promise.

    Args:
        per_class: Most training pixels a class.
        window: Side of the windows that the model sees, or (height, width), in pixels.
        block: Side of a block in pixels. Default 16.
        train_share: Share of blocks for training, between 0 and 1. Default 0.3.
        seed: Seed of the draws. Default 0.
        strict: Whether the windows of test pixels keep clear of training windows too, and not the test pixels alone.
            Default False.

    Raises:
        ConfigError: If a value cannot work.
    """

    def __init__(
        self,
        per_class: int,
        window: int | Sequence[int],
        block: int = 16,
        train_share: float = 0.3,
        seed: int = 0,
        strict: bool = False,
    ) -> None:
        for name, value in (("per_class", per_class), ("block", block)):
            if value < 1:
                raise ConfigError(f"DisjointSplit: {name}={value} given, expected at least 1")
        if not 0 < train_share < 1:
            raise ConfigError(f"DisjointSplit: train_share={train_share} given, expected more than 0 and less than 1")
        self.per_class = per_class
        self.window = window_sides(window, "DisjointSplit")
        self.block = block
        self.train_share = train_share
        self.seed = seed
        self.strict = strict

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If no test pixel remains, or the split cannot be used (:func:`check_split`).
        """
        shape = (labels.shape[0], labels.shape[1])
        flat = labels.ravel()
        rng = np.random.default_rng(self.seed)
        blocks = self._blocks(shape)
        occurring = np.unique(flat[flat != IGNORE_INDEX])
        wanted = np.minimum(self.per_class, np.bincount(flat[flat != IGNORE_INDEX], minlength=len(classes)) // 2)
        best: tuple[int, int] | None = None
        for _ in range(DRAWS):
            draw, training = self._draw(flat, blocks, occurring, shape, rng)
            trained = np.bincount(flat[draw.train], minlength=len(classes))
            score = (len(np.setdiff1d(occurring, flat[draw.test])), int((wanted - trained).clip(min=0).sum()))
            if best is None or score < best:
                best, split, used = score, draw, training
            if best == (0, 0):
                break
        if not split.test.size:
            raise DataError(
                f"{split.protocol}: no test pixel remains outside the training windows of {self.window[0]} x "
                f"{self.window[1]} pixels; take smaller blocks, a smaller train_share or a smaller window"
            )
        occupied = len(np.unique(blocks[flat != IGNORE_INDEX]))
        untested = [classes[index] for index in np.setdiff1d(occurring, flat[split.test])]
        split = Split(split.train, split.test, self._describe(split, used, occupied, untested))
        check_split(split, labels, classes)
        assert_disjoint(split, shape, self.window, self.strict)
        return split

    def _blocks(self, shape: tuple[int, int]) -> np.ndarray:
        """Number of the block of every pixel, (H · W,)."""
        rows, columns = (np.arange(size) // self.block for size in shape)
        return (rows[:, None] * (columns[-1] + 1) + columns).ravel()

    def _draw(
        self,
        flat: np.ndarray,
        blocks: np.ndarray,
        occurring: np.ndarray,
        shape: tuple[int, int],
        rng: np.random.Generator,
    ) -> tuple[Split, int]:
        """One draw by the steps 1 to 3, and the number of its training blocks."""
        labelled = flat != IGNORE_INDEX
        order = rng.permutation(np.unique(blocks[labelled]))
        count = max(round(self.train_share * len(order)), 1)
        chosen = order[:count].tolist()
        for index in occurring:
            holding = np.unique(blocks[flat == index])
            if not np.isin(holding, chosen).any():
                chosen.append(int(order[np.isin(order, holding)][0]))
        inside = np.isin(blocks, chosen)
        train = []
        for index in occurring:
            pixels = np.flatnonzero(inside & (flat == index))
            train.append(rng.choice(pixels, min(self.per_class, len(pixels)), replace=False))
        candidates = np.flatnonzero(labelled & ~inside)
        name = f"spatially disjoint blocks, seed {self.seed}"
        draw = Split(np.sort(np.concatenate(train)) if train else candidates[:0], candidates, name)
        clear = ~leaking(draw, shape, self.window, self.strict)
        return Split(draw.train, candidates[clear], name), len(chosen)

    def _describe(self, split: Split, used: int, occupied: int, untested: Sequence[str]) -> str:
        """One line with everything that a reader needs to judge the numbers measured on the split."""
        apart = "test windows clear of training windows" if self.strict else "test pixels outside training windows"
        line = (
            f"spatially disjoint: {used} of {occupied} blocks of {self.block} x {self.block} train, up to "
            f"{self.per_class} pixels a class; guard: {apart} of {self.window[0]} x {self.window[1]}; seed {self.seed}; "
            f"{split.train.size} training and {split.test.size} test pixels"
        )
        return f"{line}; no test pixel of {', '.join(untested)}" if untested else line
