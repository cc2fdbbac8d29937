"""Where tiles lie: in lists, in folders, or as windows of larger files."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from mmhsi.errors import DataError
from mmhsi.io.files import existing_file, reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from mmhsi.io import Window


def list_tiles(
    root: Path,
    split_file: str | None,
    image_dir: str | None = None,
    label_dir: str | None = None,
    suffix: str = ".tif",
    with_labels: bool = True,
) -> list[tuple[Path, Path | None]]:
    """Images and their label maps, which need not exist.

    Args:
        root: Folder that everything is relative to.
        split_file: csv file with a column ``image`` and, with labels, ``mask``.
        image_dir: Without ``split_file``: folder of the images.
        label_dir: Without ``split_file``: folder of the label maps, which have their image's file name.
        suffix: File suffix in ``image_dir``. Default ``'.tif'``.
        with_labels: Whether every line of ``split_file`` must name a label map. Default True.

    Returns:
        (image, label map or None) of every tile.

    Raises:
        DataError: If the list is damaged, or the folder is missing or empty.
    """
    if split_file is not None:
        rows = read_tile_list(root / split_file, ("image", "mask") if with_labels else ("image",))
        return [(root / row["image"], root / row["mask"] if row.get("mask") else None) for row in rows]
    folder = root / str(image_dir)
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of images")
    names = sorted(path.name for path in folder.glob(f"*{suffix}"))
    if not names:
        raise DataError(f"{folder}: holds no file *{suffix}")
    return [(folder / name, None if label_dir is None else root / label_dir / name) for name in names]


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


def cut_windows(path: str, area: Window, window: tuple[int, int], stride: tuple[int, int]) -> list[Window]:
    """Windows that a file or a region of it is cut into.

    Args:
        path: The file, for the message.
        area: The region, or the whole file from (0, 0).
        window: (height, width) in pixels.
        stride: (rows, columns) between windows.

    Raises:
        DataError: If the area is smaller than a window.
    """
    (top, left, height, width), (h, w) = area, window
    rows, columns = range(top, top + height - h + 1, stride[0]), range(left, left + width - w + 1, stride[1])
    if not rows or not columns:
        raise DataError(f"{path}: window {h} x {w} exceeds its {height} x {width} pixels")
    return [(row, column, h, w) for row in rows for column in columns]
