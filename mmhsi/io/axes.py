"""Which axis of a stored array is which: rows, columns, bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Role = Literal["y", "x", "band"]

_NAMES: dict[Role, tuple[str, ...]] = {
    "y": (
        *("y", "row", "rows", "line", "lines", "lat", "latitude", "height", "northing", "downtrack", "along_track"),
        *("nrows", "nlines", "ny", "ydim", "scanline", "scanlines", "h"),
    ),
    "x": (
        *("x", "col", "cols", "column", "columns", "sample", "samples", "lon", "longitude", "width", "easting"),
        *("crosstrack", "cross_track", "across_track", "ncols", "nsamples", "nx", "xdim", "w"),
    ),
    "band": (
        *("band", "bands", "wavelength", "wavelengths", "channel", "channels", "spectral", "lambda", "wl", "nbands"),
        *("spectral_band", "spectral_bands", "band_number", "wavelength_nm", "c"),
    ),
}
_ROLES: dict[str, Role] = {name: role for role, names in _NAMES.items() for name in names}
WANTED: dict[int, tuple[Role, ...]] = {2: ("y", "x"), 3: ("y", "x", "band")}
"""The axes of a map and of a cube."""

Order = tuple[int, int, int | None]
"""Which axis of an array holds the rows, the columns and the bands, the last None for a map of two axes."""


def role_of(name: str) -> Role | None:
    """What an axis of this name holds, or None where the name says nothing.

    Args:
        name: In any case; blanks and hyphens count as underscores, and of a path the last part is taken.
    """
    return _ROLES.get(name.strip().rpartition("/")[2].lower().replace(" ", "_").replace("-", "_"))


def parse_axes(axes: str | Sequence[str], path: str) -> list[Role | None]:
    """Axes as a user names them.

    Args:
        axes: Such as ``"y x band"``, in the order of the file; ``-`` for an axis of length 1 that is left out.
        path: The file, for the message.

    Raises:
        DataError: A name is unknown.
    """
    names = axes.replace(",", " ").split() if isinstance(axes, str) else list(axes)
    roles = [None if name == "-" else role_of(name) for name in names]
    for name, role in zip(names, roles, strict=True):
        if role is None and name != "-":
            raise DataError(
                f"{path}: axes={axes!r}: {name!r} is no axis; expected y, x and band in the file's order, such as "
                "'y x band', and - for an axis of length 1"
            )
    return roles


def order_of(roles: Sequence[Role | None], shape: Sequence[int], ndim: Literal[2, 3]) -> Order | None:
    """Where rows, columns and bands lie in an array.

    Args:
        roles: What each axis holds, None where that is not known.
        shape: Length of each axis.
        ndim: 3 for a cube, 2 for a map, which may have a band axis of length 1.

    Returns:
        The order, or None if it does not follow: an axis occurs twice or is missing, or one of more than one entry is
        left over. One axis that is not known is the one that is missing.
    """
    if len(roles) != len(shape):
        return None
    found = list(roles)
    missing = [role for role in WANTED[ndim] if role not in found]
    unknown = [axis for axis, role in enumerate(found) if role is None and shape[axis] != 1]
    if not unknown and len(missing) == 1:
        unknown = [axis for axis, role in enumerate(found) if role is None][:1]
    if len(missing) == 1 and len(unknown) == 1:
        found[unknown[0]] = missing[0]
    if any(found.count(role) != 1 for role in WANTED[ndim]) or found.count("band") > 1:
        return None
    if any(role is None and length != 1 for role, length in zip(found, shape, strict=True)):
        return None
    if ndim == 2 and "band" in found and shape[found.index("band")] != 1:
        return None
    return found.index("y"), found.index("x"), found.index("band") if "band" in found else None


def ordered_shape(shape: Sequence[int], order: Order) -> tuple[int, int, int]:
    """(H, W, C) of an array, C being 1 for a map.

    Args:
        shape: The array's.
        order: Its axes.
    """
    rows, columns, bands = order
    return shape[rows], shape[columns], 1 if bands is None else shape[bands]


def plain_order(shape: Sequence[int], ndim: Literal[2, 3]) -> Order | None:
    """The order of arrays that are (H, W, C) by their format's rule, or None where the shape is no cube or map.

    Args:
        shape: (H, W, C); of a map (H, W) or (H, W, 1).
        ndim: 3 for a cube, 2 for a map.
    """
    if len(shape) == ndim or (ndim == 2 and len(shape) == 3 and shape[2] == 1):
        return 0, 1, 2 if len(shape) == 3 else None
    return None


def named_order(axes: str, shape: Sequence[int], ndim: Literal[2, 3], path: str) -> Order:
    """The order that a user names.

    Args:
        axes: As in :func:`parse_axes`.
        shape: The array's.
        ndim: 3 for a cube, 2 for a map.
        path: The file, for the message.

    Raises:
        DataError: The names do not fit the array.
    """
    roles = parse_axes(axes, path)
    order = order_of(roles, shape, ndim) if len(roles) == len(shape) else None
    if order is None or any(role is None and length != 1 for role, length in zip(roles, shape, strict=True)):
        raise DataError(
            f"{path}: axes={axes!r} do not fit an array of {'x'.join(map(str, shape))}; expected "
            f"{' and '.join(WANTED[ndim])}, one for each axis in this order, and - for an axis of length 1"
        )
    return order


def as_cube(array: NDArray, order: Order) -> NDArray:
    """An array with its axes in the order (H, W, C), as a view; axes that are left out have length 1.

    Args:
        array: Of any number of axes.
        order: Its axes.
    """
    kept = sorted(axis for axis in order if axis is not None)
    index = tuple(slice(None) if axis in kept else 0 for axis in range(array.ndim))
    view = array[index].transpose([kept.index(axis) for axis in order if axis is not None])
    return view[..., np.newaxis] if order[2] is None else view
