"""Lists of tiles, cut into parts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.registry import SPLITS


def _check_fractions(fractions: Sequence[float], owner: str) -> None:
    """Refuse shares that do not make a whole."""
    if not fractions or min(fractions) <= 0 or not math.isclose(sum(fractions), 1, abs_tol=1e-6):
        raise ConfigError(f"{owner}: fractions={tuple(fractions)} given, expected positive shares that sum to 1")


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
    _check_fractions(fractions, "split_tiles")
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


@SPLITS.register_module()
class TileSplit:
    """A random split of a list of tiles; unlike the other rules of the registry it takes names, not labels.

    Tiles that lie side by side or overlap are as alike as neighbouring pixels; where a data set names regions or
    flights, split those.

    Args:
        fractions: Share of each part. Default 0.8 and 0.2.
        seed: Seed of the choice. Default 0.

    Raises:
        ConfigError: If a share is not positive or they do not sum to 1.
    """

    def __init__(self, fractions: Sequence[float] = (0.8, 0.2), seed: int = 0) -> None:
        _check_fractions(fractions, "TileSplit")
        self.fractions = tuple(fractions)
        self.seed = seed
        shares = " / ".join(f"{100 * share:g} %" for share in self.fractions)
        self.protocol = f"{shares} of the tiles at random, seed {seed}"

    def __call__(self, names: Sequence[str]) -> tuple[list[str], ...]:
        """Deal out the names; see :func:`split_tiles`."""
        return split_tiles(names, self.fractions, self.seed)
