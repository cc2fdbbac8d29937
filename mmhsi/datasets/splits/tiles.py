"""Lists of tiles, cut into parts."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

PARTS = ("train", "test")


@dataclass(frozen=True)
class TileSplit:
    """One part of a list of tiles after shuffling.

    Attributes:
        part: ``'train'`` or ``'test'``.
        train_share: Share of the tiles that train, between 0 and 1.
        seed: Seed of the shuffling.

    Raises:
        ConfigError: If a value cannot work.

    Example:
        >>> TileSplit("train", train_share=0.5)(["a.tif", "b.tif", "c.tif", "d.tif"])
        ['a.tif', 'c.tif']
    """

    part: str
    train_share: float = 0.8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.part not in PARTS:
            raise ConfigError(f"TileSplit: part={self.part!r} given, expected one of {', '.join(PARTS)}")
        if not 0 < self.train_share < 1:
            raise ConfigError(f"TileSplit: train_share={self.train_share} given, expected 0 to 1")

    def __call__(self, names: Sequence[str]) -> list[str]:
        """This part of the tiles of these names; see :func:`split_tiles` for the errors."""
        parts = split_tiles(names, (self.train_share, 1 - self.train_share), self.seed)
        return parts[PARTS.index(self.part)]


def split_tiles(names: Sequence[str], fractions: Sequence[float], seed: int) -> tuple[list[str], ...]:
    """Deal tiles out to parts at random.

    The result depends on the set of names and on the seed, not on the order in which a file system lists the names.

    Args:
        names: Names or paths of n tiles.
        fractions: Share of each part; they sum to 1. The k-th cut lies at the rounded product of n and the sum of the
            first k shares.
        seed: Seed of the choice.

    Returns:
        One sorted list of names a part; together they hold every name once.

    Raises:
        ConfigError: If a share is not positive or they do not sum to 1.
        DataError: If a name occurs twice or a part remains empty.
    """
    if not fractions or min(fractions) <= 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ConfigError(f"split_tiles: fractions={tuple(fractions)} given, expected positive shares that sum to 1")
    listed = sorted(names)
    twice = [name for name, following in itertools.pairwise(listed) if name == following]
    if twice:
        raise DataError(f"split_tiles: {twice[0]} is listed twice")
    shuffled = [listed[index] for index in np.random.default_rng(seed).permutation(len(listed))]
    cuts = [0, *(round(len(listed) * share) for share in np.cumsum(fractions))]
    parts = tuple(sorted(shuffled[start:end]) for start, end in itertools.pairwise(cuts))
    if not all(parts):
        raise DataError(f"split_tiles: {len(listed)} tiles cannot fill parts of {tuple(fractions)}; one remains empty")
    return parts
