"""What an HDF5 file contains, asked of damaged files too, where HDF5's own way of asking loops or crashes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import h5py
import numpy as np

from mmhsi.errors import FileFormatError
from mmhsi.io.files import reading

if TYPE_CHECKING:
    from collections.abc import Iterator

_MOST_LEVELS = 64
_MOST_ITEMS = 2000
"""Groups and data sets of a file: each takes a millisecond to look at, and products hold some hundred."""


class OwnFile(h5py.File):
    """An HDF5 file of which only what lies in it is found: a name that is a link to elsewhere leads to nothing."""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and reached(self, name) is not None

    def __getitem__(self, name: str | h5py.Reference) -> h5py.HLObject:
        if not isinstance(name, str):
            return super().__getitem__(name)
        found = reached(self, name)
        if found is None:
            raise KeyError(f"no {name!r} in the file itself")
        return found

    def get(self, name: str, default: object = None) -> object:
        """What has a name, or something else where nothing has it.

        Args:
            name: With its groups.
            default: What is given where nothing has the name.
        """
        found = reached(self, name)
        return default if found is None else found


def text_of(value: object) -> str:
    """An attribute as text.

    Args:
        value: As h5py gives it.
    """
    if isinstance(value, np.ndarray):
        value = value.ravel()[0] if value.size else ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def reached(group: h5py.Group, name: str) -> h5py.HLObject | None:
    """What a name leads to by hard links alone, or None.

    Args:
        group: Where the name begins.
        name: With groups before it.

    Raises:
        FileFormatError: A group on the way is damaged.
    """
    item = group
    with reading(group.file.filename, "a damaged HDF5 file"):
        for part in filter(None, name.split("/")):
            if not isinstance(item, h5py.Group) or not _is_hard_link(item, part):
                return None
            item = h5py.Group.__getitem__(item, part)  # of the group's class: the file's own would end here again
    return item


def _is_hard_link(group: h5py.Group, name: str) -> bool:
    """Whether a group holds this itself; ``group.get(name, getlink=True)`` asks the group for the name first."""
    links = group.id.links
    return links.exists(name.encode()) and links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD


def walk(
    group: h5py.Group, _seen: set[tuple[int, ...]] | None = None, _level: int = 0
) -> Iterator[tuple[str, h5py.HLObject]]:
    """Everything below a group, each thing once, links to elsewhere left out.

    ``visititems`` loops for ever in a group whose table is damaged; its size, which is asked first, is then an error.

    Args:
        group: The group, such as a file.

    Yields:
        Path from the group, and the group or data set.

    Raises:
        FileFormatError: There are more than 2000.
    """
    links = len(group)  # first of all: what the other calls would follow
    seen = {_place(group)} if _seen is None else _seen
    if links + len(seen) > _MOST_ITEMS:
        raise FileFormatError(f"{group.file.filename}: holds more than {_MOST_ITEMS} groups and data sets")
    for name in islice(group, links):
        if name.startswith("#") or not _is_hard_link(group, name):
            continue  # MATLAB keeps each cell of an array in "#refs#"
        item = h5py.Group.__getitem__(group, name)
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
