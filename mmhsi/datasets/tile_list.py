"""Lists of tiles in csv files."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file, reason


def read_tile_list(path: Path, columns: Collection[str]) -> list[dict[str, str]]:
    """Read a csv file whose first line names its columns.

    Args:
        path: The file, UTF-8.
        columns: Columns that every line must fill.

    Returns:
        One dict a line, by column.

    Raises:
        DataError: If the file is missing or no csv file, lists nothing, or a line lacks a column.
    """
    expected = f"expected a header with {', '.join(sorted(columns))}, then one tile a line"
    existing_file(path, "a csv file of tiles")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel begins with a byte order mark
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a csv file ({reason(error)}); {expected}") from error
    if not rows or not set(columns) <= set(rows[0]):
        raise DataError(f"{path}: {expected}")
    for number, row in enumerate(rows, 2):
        if not all(row[column] for column in columns):
            raise DataError(f"{path}: line {number} is not complete; {expected}")
    return rows
