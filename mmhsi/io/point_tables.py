"""Points with a class from a table of text."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.files import reading

from .wkb import Shape

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = (
    *(("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("lng", "lat")),
    *(("column", "row"), ("col", "row"), ("x", "y"), ("easting", "northing")),
)
"""Columns that hold a place, in the order in which they are looked for, whatever their case."""


class PointTable(NamedTuple):
    """What a table says.

    Attributes:
        shapes: A point a row.
        columns: Texts of every column.
        pair: Which of :data:`PAIRS` holds the places.
    """

    shapes: list[Shape]
    columns: dict[str, list[str]]
    pair: tuple[str, str]


def read_points(file: Path) -> PointTable:
    """Read a CSV file with a head line; commas, semicolons, tabs or vertical bars part its columns.

    Where commas do not part the columns, places may have them in place of decimal points.

    Args:
        file: In UTF-8. ``column`` and ``row`` count pixels from 0 and mean their centres.

    Raises:
        FileFormatError: It is no text in UTF-8.
        DataError: It is blank, two columns share a name, or a place is missing or no finite number.
    """
    with reading(file, "not a readable table of points"):
        try:
            text = file.read_text(encoding="utf-8-sig").lstrip("\r\n")
        except UnicodeDecodeError as error:
            raise FileFormatError(f"{file}: is no text in UTF-8 ({error.reason}); save the table as UTF-8") from None
        if text.startswith("sep="):  # Excel's word for the delimiter, which the head line shows
            text = text.partition("\n")[2]
        head = text.partition("\n")[0]
        delimiter = max(",;\t|", key=head.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    if not rows:
        raise DataError(f"{file}: is blank; expected a head line and a line a point")
    names = [name.strip() for name in rows[0]]
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{file}: has several columns {twice!r}; give each a name of its own")
    lower = [name.lower() for name in names]
    pair = next((pair for pair in PAIRS if all(name in lower for name in pair)), None)
    if pair is None:
        raise DataError(
            f"{file}: has no columns of places but {', '.join(names)[:200]}; expected lon and lat (WGS 84), x and y "
            "(coordinates of the scene), or row and column (pixels from 0)"
        )
    at = [lower.index(name) for name in pair]
    shapes, columns = [], [[] for _ in names]  # type: tuple[list[Shape], list[list[str]]]
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            raise DataError(f"{file}: line {number} has {len(row)} columns, its head line {len(names)}")
        try:
            cells = [row[index].replace(",", ".") if delimiter != "," else row[index] for index in at]
            place = np.array([[float(cell) for cell in cells]])
            if not np.isfinite(place).all():
                raise ValueError
        except ValueError:
            raise DataError(f"{file}: line {number}: {row[at[0]]!r}, {row[at[1]]!r} is no place") from None
        shapes.append(Shape("Point", [place + 0.5 if pair[1] == "row" else place]))
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
    return PointTable(shapes, dict(zip(names, columns, strict=True)), pair)
