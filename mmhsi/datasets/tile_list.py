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
    listed_as: str | None = None,
) -> list[tuple[Path, Path | None]]:
    """Images and their label maps, which need not exist.

    Args:
        root: Folder that everything is relative to.
        split_file: csv file with a column ``image`` and, with labels, ``mask``; beside ``image_dir`` a plain list, one
            file name a line.
        image_dir: Folder of the images: of those that ``split_file`` lists, or of all.
        label_dir: Folder of the label maps, which have their image's file name.
        suffix: File suffix in ``image_dir``, which may begin with folders, as ``'/*.tif'``. Default ``'.tif'``.
        with_labels: Whether every line of a csv file must name a label map. Default True.
        listed_as: What the names in a plain list end with in place of ``suffix``. Default None: they are the files'.

    Returns:
        (image, label map or None) of every tile.

    Raises:
        DataError: If the list is damaged, or the folder is missing or empty.
    """
    if split_file is not None and image_dir is not None:
        names = read_names(root / split_file, suffix, listed_as)
    elif split_file is not None:
        rows = read_tile_list(root / split_file, ("image", "mask") if with_labels else ("image",))
        return [(root / row["image"], root / row["mask"] if row.get("mask") else None) for row in rows]
    else:
        names = _names_in(root / str(image_dir), suffix)
    return [(root / str(image_dir) / name, None if label_dir is None else root / label_dir / name) for name in names]


def _names_in(folder: Path, suffix: str) -> list[str]:
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder of images")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.glob(f"*{suffix}"))
    if not names:
        raise DataError(f"{folder}: holds no file *{suffix}")
    return names


def read_names(path: Path, suffix: str = ".tif", listed_as: str | None = None) -> list[str]:
    """Read a plain list of files.

    Args:
        path: The list, UTF-8, one name a line, relative to the folder of the files.
        suffix: What the files' names end with.
        listed_as: What the names in the list end with in its place. Default None: the same.

    Returns:
        Names of the files, in the order of the list.

    Raises:
        DataError: If the list is missing, damaged or empty, or a name leads out of the folder or ends otherwise.
    """
    existing_file(path, "a list of tiles")
    expected = suffix if listed_as is None else listed_as
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a list of tiles ({reason(error)}); expected one file name a line") from error
    names = []
    for number, line in enumerate(lines, 1):
        name = line.strip()
        if not name:
            continue
        if not name.endswith(expected) or name.startswith("/") or ".." in name.split("/"):
            raise DataError(f"{path}: line {number} is no file name below the images' folder that ends with {expected}")
        names.append(name.removesuffix(expected) + suffix)
    if not names:
        raise DataError(f"{path}: lists nothing; expected one file name a line")
    return names


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
