"""Which part of a scene is meant: a window in pixels and a list of bands."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias

from affine import Affine

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Window: TypeAlias = tuple[int, int, int, int]
"""(row0, col0, height, width) in pixels."""


def _integers(values: Iterable[Any], what: str, name: str) -> list[int]:
    """Plain Python integers; a bool is refused because a mask would pass for the bands 0 and 1."""
    given = list(values)
    try:
        if bool not in set(map(type, given)):
            return list(map(operator.index, given))
    except TypeError:
        pass
    wrong = next(value for value in given if not _is_integer(value))
    raise DataError(f"{name}: {what} must hold integers, got {wrong!r}")


def _is_integer(value: Any) -> bool:
    try:
        operator.index(value)
    except TypeError:
        return False
    return not isinstance(value, bool)


def check_window(window: Sequence[int] | None, height: int, width: int, name: str) -> Window:
    """Check that a window lies inside a scene.

    Args:
        window: (row0, col0, height, width) in pixels; None means the whole scene.
        height: Rows of the scene.
        width: Columns of the scene.
        name: The scene's path, for the message.

    Returns:
        The window as plain integers.

    Raises:
        DataError: The window is not four integers, is empty, or reaches outside the scene.
    """
    if window is None:
        return 0, 0, height, width
    values = _integers(window, "a window", name)
    if len(values) != 4:
        raise DataError(f"{name}: a window is (row0, col0, height, width), got {len(values)} values: {values}")
    row0, col0, rows, cols = values
    if rows < 1 or cols < 1 or row0 < 0 or col0 < 0 or row0 + rows > height or col0 + cols > width:
        raise DataError(
            f"{name}: window (row0, col0, height, width) = {row0, col0, rows, cols} does not lie inside the scene of "
            f"{height} x {width} pixels"
        )
    return row0, col0, rows, cols


def check_bands(bands: Iterable[int], count: int, name: str) -> list[int]:
    """Check a list of 0-based band numbers.

    Args:
        bands: The bands, in any order, repeats allowed.
        count: Bands of the scene.
        name: The scene's path, for the message.

    Returns:
        The bands as plain integers.

    Raises:
        DataError: There are none, or one is not an integer in [0, count).
    """
    values = _integers(bands, "bands", name)
    if not values:
        raise DataError(f"{name}: no bands were asked for; expected at least one of 0..{count - 1}")
    if min(values) < 0 or max(values) >= count:
        band = next(band for band in values if not 0 <= band < count)
        raise DataError(f"{name}: band {band} does not exist; the scene has bands 0..{count - 1}")
    return values


def shift_transform(transform: Affine | None, row0: int, col0: int) -> Affine | None:
    """The transform of a window whose upper left pixel is (row0, col0) of the scene.

    Args:
        transform: The scene's, or None.
        row0: First row.
        col0: First column.
    """
    if transform is None:
        return None
    a, b, c, d, e, f = transform[:6]
    # Written out, because affine 2 multiplies with * and affine 3 with @.
    return Affine(a, b, c + a * col0 + b * row0, d, e, f + d * col0 + e * row0)
