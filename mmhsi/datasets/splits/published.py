"""Spatially disjoint splits that others measure on too, kept with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS

from .split import Split, check_split

if TYPE_CHECKING:
    from collections.abc import Sequence


@SPLITS.register_module()
class PublishedSplit:
    """A fixed split with spatially disjoint blocks, the same pixels everywhere.

    The scene is cut into blocks of 16 × 16 pixels; up to 20 pixels of every class come from about 30 % of them. All
    labelled pixels of the other blocks test that lie at least 5 pixels from every block which gave training pixels:
    windows of up to 9 × 9 around training pixels hold no test pixel. Eight seeds each. The training pixels are listed
    in the package; the test pixels follow from the rule.

    Args:
        name: ``'salinas_a_disjoint20'`` or ``'houston2018_crop_disjoint20'``.
        seed: 0 to 7. Default 0.

    Raises:
        ConfigError: If there is no such split.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        published = json.loads(files(__package__).joinpath("published.json").read_text(encoding="utf-8"))
        if name not in published:
            raise ConfigError(f"PublishedSplit: name={name!r} is unknown, expected one of {', '.join(published)}")
        self._rule = published[name]
        if not 0 <= seed < len(self._rule["seeds"]):
            last = len(self._rule["seeds"]) - 1
            raise ConfigError(f"PublishedSplit: seed={seed} given, {name} has seeds 0 to {last}; DisjointSplit has any")
        self.name = name
        self.seed = seed

    def __call__(self, labels: np.ndarray, classes: Sequence[str]) -> Split:
        """Split class indices (H, W).

        Raises:
            DataError: If the labels are not those of the scene that the split was made for.
        """
        shape, drawn = tuple(self._rule["shape"]), self._rule["seeds"][self.seed]
        if labels.shape != shape:
            raise DataError(
                f"PublishedSplit: {self.name} is of {shape[0]} x {shape[1]} pixels, the scene of {labels.shape}"
            )
        block, guard = self._rule["block"], self._rule["guard"]
        train = np.asarray(drawn["train"], dtype=np.int64)
        rows, columns = np.indices(shape)
        per_row = -(-shape[1] // block)
        blocks = rows // block * per_row + columns // block
        free = (labels != IGNORE_INDEX) & ~np.isin(blocks, drawn["unused_blocks"])
        for used in np.unique(blocks.ravel()[train]).tolist():
            top, left = used // per_row * block, used % per_row * block
            reach = slice(max(0, top - guard + 1), top + block + guard - 1)
            free[reach, max(0, left - guard + 1) : left + block + guard - 1] = False
        test = np.flatnonzero(free)
        protocol = (
            f"published split {self.name}, seed {self.seed}: spatially disjoint blocks of {block} x {block}, guard of "
            f"{guard} pixels; {train.size} training and {test.size} test pixels"
        )
        return check_split(Split(train, test, protocol), labels, classes)
