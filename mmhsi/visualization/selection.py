"""A few of many."""


def evenly_spread(total: int, count: int) -> list[int]:
    """Indices in the middles of ``count`` equal parts of 0 to ``total`` − 1; all of them where there are no more."""
    count = min(count, total)
    return [(2 * position + 1) * total // (2 * count) for position in range(count)]
