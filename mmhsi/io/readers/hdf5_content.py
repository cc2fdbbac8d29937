"""What an HDF5 file contains, asked of damaged files too, where HDF5's own way of asking loops or crashes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LEVELS = 64


def walk(
    group: h5py.Group, _seen: set[tuple[int, ...]] | None = None, _level: int = 0
) -> Iterator[tuple[str, h5py.HLObject]]:
    """Everything below a group, each thing once, links to elsewhere left out.

    ``visititems`` loops for ever in a group whose table is damaged; its size, which is asked first, is then an error.

    Args:
        group: The group, such as a file.

    Yields:
        Path from the group, and the group or data set.
    """
    links = len(group)  # first of all: what the other calls would follow
    seen = {_place(group)} if _seen is None else _seen
    for name in islice(group, links):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            continue
        item = group[name]
        if (place := _place(item)) in seen:
            continue
        seen.add(place)
        yield name, item
        if isinstance(item, h5py.Group) and _level < _MOST_LEVELS:
            for inner, found in walk(item, seen, _level + 1):
                yield f"{name}/{inner}", found


def _place(item: h5py.HLObject) -> tuple[int, ...]:
    """Address in the file; ``h5o.get_info`` would count the object's bytes as well."""
    return tuple(h5py.h5g.get_objinfo(item.id).objno)


def axis_scales(dataset: h5py.Dataset, axis: int) -> list[h5py.Dataset]:
    """Dimension scales of an axis, read from the attribute that lists them.

    ``dataset.dims`` asks the high-level part of HDF5, which frees memory twice where the attribute is damaged.

    Args:
        dataset: The data set.
        axis: The axis.
    """
    listed = dataset.attrs.get("DIMENSION_LIST")
    if listed is None or np.shape(listed) != (dataset.ndim,):
        return []
    found = [dataset.file[reference] for reference in listed[axis] if isinstance(reference, h5py.Reference)]
    return [item for item in found if isinstance(item, h5py.Dataset)]


def axis_label(dataset: h5py.Dataset, axis: int) -> object:
    """Name of an axis as HDF5's own functions store it; empty if it has none.

    Args:
        dataset: The data set.
        axis: The axis.
    """
    labels = dataset.attrs.get("DIMENSION_LABELS")
    return labels[axis] if isinstance(labels, np.ndarray) and labels.shape == (dataset.ndim,) else ""
