"""Lists of tiles, cut into parts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from mmhsi.errors import ConfigError, DataError


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
