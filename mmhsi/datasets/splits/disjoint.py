"""Training and test pixels from different parts of the scene, with a guard band between them."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.arguments import size_pair
from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

from .leakage import assert_disjoint, leaking
from .polygons import polygons_of
from .split import Split, check_split

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAWS = 20
"""Draws of training blocks that are compared; more would not mend a class that lies in one block."""


@dataclass(frozen=True)
class _Labelled:
    """The N labelled pixels of a scene of (H, W) = ``shape``, in M occupied blocks.

    Attributes:
        shape: (H, W).
        pixels: Flat indices, (N,), sorted.
        classes: Class of each, (N,).
        blocks: Block of each, 0 … M−1, (N,).
        counts: Pixels of each class in each block, (K, M).
    """

    shape: tuple[int, int]
    pixels: np.ndarray
    classes: np.ndarray
    blocks: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, blocks_of: np.ndarray, num_classes: int) -> _Labelled:
        """Class indices (H, W) and the number of each pixel's block, (H, W)."""
        rows, columns = np.nonzero(labels != IGNORE_INDEX)
        classes = labels[rows, columns]
        occupied, blocks = np.unique(blocks_of[rows, columns], return_inverse=True)
        counts = np.bincount(classes * len(occupied) + blocks, minlength=num_classes * len(occupied))
        shape = (labels.shape[0], labels.shape[1])
        return cls(shape, rows * shape[1] + columns, classes, blocks, counts.reshape(num_classes, len(occupied)))


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

    With ``by="polygon"`` the blocks of step 1 are the features that the labels were drawn as (those that share a pixel
    are one), so that no polygon has pixels on both sides; of a label raster, connected areas of a class.

    The result is asserted (:func:`assert_disjoint`), whatever the rules above promise.

    Args:
        per_class: Most training pixels a class.
        window: Side of the windows that the model sees, or (height, width), in pixels.
        block: Side of a block in pixels. Default 16.
        train_share: Share of blocks for training, between 0 and 1. Default 0.3.
        seed: Seed of the draws. Default 0.
        strict: Whether the windows of test pixels keep clear of training windows too, and not the test pixels alone.
            Default False.
        by: ``"block"`` or ``"polygon"``: what trains or tests as a whole. Default ``"block"``.

    Raises:
        ConfigError: If a value cannot work.

    Example:
        >>> import numpy as np
        >>> labels = np.random.default_rng(0).integers(0, 2, (64, 64))
        >>> split = DisjointSplit(per_class=20, window=5, block=8)(labels, ["soil", "water"])
        >>> len(split.train)
        40
    """

    def __init__(
        self,
        per_class: int,
        window: int | Sequence[int],
        block: int = 16,
        train_share: float = 0.3,
        seed: int = 0,
        strict: bool = False,
        by: str = "block",
    ) -> None:
        if by not in ("block", "polygon"):
            raise ConfigError(f"DisjointSplit: by={by!r} given, expected 'block' or 'polygon'")
        for name, value in (("per_class", per_class), ("block", block)):
            if value < 1:
                raise ConfigError(f"DisjointSplit: {name}={value} given, expected at least 1")
        if not 0 < train_share < 1:
            raise ConfigError(f"DisjointSplit: train_share={train_share} given, expected more than 0 and less than 1")
        self.per_class = per_class
        self.window = size_pair("DisjointSplit", window, "window")
        self.block = block
        self.train_share = train_share
        self.seed = seed
        self.strict = strict
        self.by = by
        self._polygons: np.ndarray | None = None

    def with_polygons(self, polygons: np.ndarray | None) -> DisjointSplit:
        """The rule for a scene whose labels were drawn, see :class:`PolygonRule`.

        Args:
            polygons: Number of the polygon that each pixel lies in, shape (H, W), 0 in none; None of a raster.
        """
        rule = copy(self)
        rule._polygons = polygons
        return rule

    def _blocks(self, labels: np.ndarray) -> tuple[np.ndarray, str]:
        """Number of each pixel's block, (H, W), and what they are."""
        if self.by == "polygon":
            return polygons_of(labels, self._polygons)
        rows, columns = np.indices(labels.shape)
        name = f"blocks of {self.block} x {self.block}"
        return rows // self.block * labels.shape[1] + columns // self.block, name

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If no test pixel remains, or the split cannot be used (:func:`check_split`).
        """
        blocks, kind = self._blocks(labels)
        scene = _Labelled.of(labels, blocks, len(classes))
        if not scene.pixels.size:
            raise DataError("DisjointSplit: the scene has no labelled pixel")
        rng = np.random.default_rng(self.seed)
        total = scene.counts.sum(axis=1)
        wanted = np.minimum(self.per_class, total // 2)
        flat = labels.ravel()
        best: tuple[int, int] | None = None
        for _ in range(DRAWS):
            draw, training = self._draw(scene, rng)
            trained, tested = (np.bincount(flat[pixels], minlength=len(total)) for pixels in (draw.train, draw.test))
            score = (int(((total > 0) & (tested == 0)).sum()), int((wanted - trained).clip(min=0).sum()))
            if best is None or score < best:
                best, split, used = score, draw, training
                untested = [classes[index] for index in np.flatnonzero((total > 0) & (tested == 0)).tolist()]
            if best == (0, 0):
                break
        if not split.test.size:
            raise DataError(
                f"DisjointSplit: no test pixel remains outside the training windows of {self.window[0]} x "
                f"{self.window[1]} pixels; take smaller blocks, a smaller train_share or a smaller window"
            )
        split = Split(split.train, split.test, self._describe(split, used, scene.counts.shape[1], kind, untested))
        check_split(split, labels, classes)
        assert_disjoint(split, scene.shape, self.window, self.strict)
        return split

    def _draw(self, scene: _Labelled, rng: np.random.Generator) -> tuple[Split, int]:
        """One draw by the steps 1 to 3, and the number of its training blocks."""
        order = rng.permutation(scene.counts.shape[1])
        count = max(round(self.train_share * len(order)), 1)
        chosen = order[:count].tolist()
        for held in scene.counts:
            if held.any() and not held[chosen].any():
                chosen.append(int(order[held[order] > 0][0]))
        inside = np.isin(scene.blocks, chosen)
        pixels, classes = scene.pixels[inside], scene.classes[inside]
        train = []
        for index in range(len(scene.counts)):
            members = pixels[classes == index]
            train.append(rng.choice(members, min(self.per_class, len(members)), replace=False))
        draw = Split(np.sort(np.concatenate(train)), scene.pixels[~inside], "candidates")
        clear = ~leaking(draw, scene.shape, self.window, self.strict)
        return Split(draw.train, draw.test[clear], "candidates"), len(chosen)

    def _describe(self, split: Split, used: int, occupied: int, kind: str, untested: Sequence[str]) -> str:
        """One line with everything that a reader needs to judge the numbers measured on the split."""
        apart = "test windows clear of training windows" if self.strict else "test pixels outside training windows"
        line = (
            f"spatially disjoint: {used} of {occupied} {kind} train, up to "
            f"{self.per_class} pixels a class; guard: {apart} of {self.window[0]} x {self.window[1]}; "
            f"seed {self.seed}; {split.train.size} training and {split.test.size} test pixels"
        )
        return f"{line}; no test pixel of {', '.join(untested)}" if untested else line
