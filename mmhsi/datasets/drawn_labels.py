"""Classes of a cube's pixels from points, lines and polygons."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, counted, one_line
from mmhsi.io.doubts import doubt
from mmhsi.io.rasterize import Burned, burn
from mmhsi.io.vectors import Vector, read_vector

from .label_table import IGNORE_INDEX, LabelTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from os import PathLike

    from mmhsi.io.placement import Grid


@dataclass(frozen=True, eq=False)
class DrawnLabels:
    """Drawn labels on a cube's grid.

    Attributes:
        labels: Class indices, (H, W) int64, :data:`IGNORE_INDEX` where there is no label.
        classes: Class names.
        label_ids: Id of each class.
        burned: The pixels as they were drawn.
        losses: What was lost or is doubtful, a phrase each.
    """

    labels: np.ndarray
    classes: tuple[str, ...]
    label_ids: tuple[int, ...]
    burned: Burned
    losses: tuple[str, ...]


def draw_labels(
    path: str | PathLike[str],
    grid: Grid,
    classes: Sequence[str] = (),
    label_ids: Sequence[int] = (),
    ignore_ids: Sequence[int] = (0,),
    field: str = "class",
    layer: str | None = None,
    all_touched: bool = False,
) -> DrawnLabels:
    """Read a vector file in the classes of a scene; what is lost becomes a warning.

    Args:
        path: The file, see :func:`mmhsi.io.vectors.read_vector`.
        grid: The cube's pixels.
        classes: Class names, which are the values of a field of text. Default: those that occur, sorted: texts by
            Unicode, numbers by size.
        label_ids: Id of each class, which are the values of a field of numbers. Default: 1 to K, or the numbers that
            occur.
        ignore_ids: Numbers that mean "no label". Default: 0.
        field: Field of the classes.
        layer: Layer of a file that has several.
        all_touched: Whether a polygon holds every pixel that it touches, not those alone whose centres lie in it.

    Returns:
        The labels.

    Raises:
        ConfigError: Names and ids do not fit each other.
        DataError: The file cannot be read, a value is no class, or nothing lies on the grid.
    """
    vector = read_vector(path, field, layer)
    names = [one_line(unicodedata.normalize("NFC", str(name)).strip()) for name in classes]
    present = sorted({vector.values[owner] for owner in np.unique(vector.owners)} - {""})
    if vector.numeric:
        ignored = {str(label) for label in ignore_ids}
        present = [value for value in present if value not in ignored]
        wrong = next((value for value in present if not value.lstrip("-").isdigit()), None)
        if wrong is not None:
            raise DataError(f"{path}: {field} {wrong} is not a whole number; expected ids or names of classes")
        ids = [int(label) for label in label_ids] or list(range(1, len(names) + 1)) or sorted(map(int, present))
        keys = [str(label) for label in ids]
        names = names or keys
    else:
        ignored = set()
        names = names or present
        ids = [int(label) for label in label_ids] or list(range(1, len(names) + 1))
        keys = names
    LabelTable(ids, names, [label for label in ignore_ids if label not in ids])  # which says what does not fit
    code = {key: index + 1 for index, key in enumerate(keys)} | dict.fromkeys(ignored, 0) | {"": 0}
    codes = np.array([code.get(value, -1) for value in vector.values], dtype=np.int32)
    codes[np.bincount(vector.owners, minlength=len(codes)) == 0] = 0  # without a geometry: of no class
    unknown = codes < 0
    if unknown.any():
        numbers = list(map(str, ids))
        texts = unknown & ~np.isin(vector.values, numbers)
        if 0 < texts.sum() < unknown.sum():  # a text among ids, which makes their field one of text
            unknown, keys = texts, numbers
        raise DataError(_unknown(vector, int(np.argmax(unknown)), field, keys))
    burned = burn(vector, codes, grid, all_touched)
    rule = "touched pixels" if all_touched else "pixels whose centres they hold"
    losses = [*burned.losses(), *_alike(names)]
    if losses:
        doubt(path, "drawn", f"{counted(burned.features, 'feature')} on {grid.name} ({rule}): {'; '.join(losses)}")
    labels = np.where(burned.codes > 0, burned.codes.astype(np.int64) - 1, IGNORE_INDEX)
    return DrawnLabels(labels, tuple(names), tuple(ids), burned, tuple(losses))


def _alike(names: Sequence[str]) -> Iterator[str]:
    """A phrase for each group of names that differ in case alone: somebody typed one class in several ways."""
    for folded, count in Counter(name.casefold() for name in names).items():
        if count > 1:
            same = ", ".join(repr(name) for name in names if name.casefold() == folded)
            yield f"{same} are {count} classes by their case alone"


def _unknown(vector: Vector, index: int, field: str, keys: Sequence[str]) -> str:
    value = vector.values[index]
    near = difflib.get_close_matches(value, keys, n=1)
    meant = f"; nearest: {near[0]!r}" if near else ""
    return f"{vector.path}: feature {index + 1} has {field}={value!r}, expected one of {', '.join(keys)[:300]}{meant}"
