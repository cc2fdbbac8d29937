"""Label maps brought to the cube's grid: of finer ones the majority, of others the nearest pixel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import CubeReader, Window, read_labels
from mmhsi.io.class_map_reader import stated_names
from mmhsi.io.doubts import doubt
from mmhsi.io.placement import Grid, Placement

from .label_table import IGNORE_INDEX, LabelTable

_PLACES_AT_A_TIME = 1 << 20


@lru_cache(maxsize=1 << 12)
def _names_in(path: str, _changed: int) -> dict[int, str]:
    """Asked once a file: a data set reads windows of its tiles again and again."""
    return stated_names(path)


def _check_names(path: str, table: LabelTable) -> None:
    """Warn, or refuse, where a file names its ids in another way than the table."""
    file = Path(path)
    if file.is_file() and (doubtful := table.check_names(_names_in(path, file.stat().st_mtime_ns), path)):
        doubt(path, "class names", doubtful)


def grid_classes(
    reader: CubeReader,
    grid: Grid,
    table: LabelTable,
    scale: int = 1,
    majority: int | None = None,
    window: Window | None = None,
    fine: bool = False,
) -> np.ndarray:
    """Read the classes of a cube's pixels from a label map.

    Where cube and label map both say where they lie, labels of other ground or of another grid (shifted, turned,
    mirrored, in other coordinates, coarser or finer) are put onto the cube's grid, with a warning: each pixel has the
    class of the label pixel at its centre, or, where label pixels are finer, of most of those in it. Otherwise the
    label map must have the cube's size, times ``scale``.

    Args:
        reader: The open label map.
        grid: The cube's pixels.
        table: From ids to classes.
        scale: Label pixels per cube pixel along each axis.
        majority: As in :func:`majority_labels`.
        window: (row0, col0, height, width) in pixels of the cube; None for all.
        fine: Whether the classes stay ``scale`` times finer than the cube.

    Returns:
        Class indices, int64, (height, width), or with ``fine`` (height · s, width · s); :data:`IGNORE_INDEX` where
        there is no label.

    Raises:
        ConfigError: As of :func:`majority_labels`.
        DataError: The label map has another size, lies on other ground, cannot be read, or has an unknown id.
    """
    path, place = reader.path, Placement(grid, Grid.of(reader.info))
    nodata = reader.stored.nodata
    if nodata in table.label_ids:
        doubt(
            path, "nodata", f"its nodata value {nodata:g} is the id of a class; those pixels count as without a label"
        )
    _check_names(path, table)
    area = (0, 0, *grid.shape) if window is None else window
    if place.fits(scale):
        row0, col0, height, width = (side * scale for side in area)
        classes = table(read_labels(reader, (row0, col0, height, width)), path)
        return classes if fine else majority_labels(classes, scale, majority)
    if not place.known or place.grid.crs is None or place.other.crs is None:
        raise DataError(_does_not_fit(place, scale))
    samples = place.samples() if scale == 1 else scale
    if fine and scale == 1:
        samples = 1
    rows = max(1, _PLACES_AT_A_TIME // (area[3] * samples**2))
    parts, outside = [], 0
    for row in range(area[0], area[0] + area[2], rows):
        part = (row, area[1], min(rows, area[0] + area[2] - row), area[3])
        found, missed = _sampled(reader, place, part, samples, table)
        parts.append(found if fine else majority_labels(found, samples, majority if scale > 1 else None))
        outside += missed
    share = outside / (area[2] * area[3] * samples**2)
    if share == 1:
        raise DataError(f"{path}: covers none of the ground of {grid.name}: {_where(place.other)}, not {_where(grid)}")
    how = "nearest label pixel" if samples == 1 else f"majority of {samples} x {samples} places in a pixel"
    beyond = f"; it covers {100 * (1 - share):.0f} % of it" if outside else ""
    doubt(path, "grid", f"lies on another grid than {grid.name} and is brought onto it ({how}){beyond}")
    return np.concatenate(parts)


def _sampled(
    reader: CubeReader, place: Placement, window: Window, samples: int, table: LabelTable
) -> tuple[np.ndarray, int]:
    """Classes at evenly spread places of a window's pixels, and how many of those the label map does not cover."""
    rows, columns = place.places(window, samples)
    classes = np.full(rows.shape, IGNORE_INDEX, dtype=np.int64)
    inside = rows >= 0
    if inside.any():
        top, left = int(rows[inside].min()), int(columns[inside].min())
        part = (top, left, int(rows[inside].max()) - top + 1, int(columns[inside].max()) - left + 1)
        found = table(read_labels(reader, part), reader.path)
        classes[inside] = found[rows[inside] - top, columns[inside] - left]
    return classes, int((~inside).sum())


def _does_not_fit(place: Placement, scale: int) -> str:
    """Why a label map can neither be taken as it lies nor be moved."""
    labels, grid = place.other, place.grid
    if place.known and labels.shape == (grid.shape[0] * scale, grid.shape[1] * scale):
        return (
            f"{labels.name}: {_where(labels)}, {grid.name} {_where(grid)}; without coordinate systems they cannot be "
            "matched"
        )
    at_scale = f" at label_scale={scale}" if scale > 1 else ""
    return (
        f"{labels.name}: label map of {labels.shape[0]} x {labels.shape[1]} pixels, but {grid.name} has "
        f"{grid.shape[0]} x {grid.shape[1]}{at_scale}"
    )


def _where(grid: Grid) -> str:
    """First corner and system of a file, for messages."""
    if grid.transform is None:
        return "lies nowhere"
    system = "no coordinate system" if grid.crs is None else grid.crs.to_string()[:40]
    return f"lies from {grid.transform.c:g}, {grid.transform.f:g} ({system})"


def majority_labels(labels: np.ndarray, scale: int, majority: int | None = None) -> np.ndarray:
    """Give every cube pixel the class that most of its label pixels have.

    Args:
        labels: Class indices, :data:`IGNORE_INDEX` where there is none, shape (H · s, W · s).
        scale: s, label pixels per cube pixel along each axis.
        majority: Label pixels of a block of s² that must agree. Default: more than half.

    Returns:
        Class indices, shape (H, W); :data:`IGNORE_INDEX` where no class has the majority, and where two have it
        equally often.

    Raises:
        ConfigError: If the sides do not divide by ``scale`` or ``majority`` exceeds a block.
    """
    if scale == 1:
        return labels
    needed = scale**2 // 2 + 1 if majority is None else majority
    if not 1 <= needed <= scale**2:
        raise ConfigError(f"label_majority={majority}: a block of label_scale={scale} has {scale**2} label pixels")
    height, width = labels.shape
    if height % scale or width % scale:
        raise ConfigError(f"label map of {height} x {width} pixels does not divide into blocks of label_scale={scale}")
    blocks = labels.reshape(height // scale, scale, width // scale, scale)
    best = np.zeros(blocks.shape[::2], dtype=np.int64)
    result = np.full(best.shape, IGNORE_INDEX, dtype=np.int64)
    for index in np.unique(labels):
        count = (blocks == index).sum(axis=(1, 3))
        result[count == best] = IGNORE_INDEX
        ahead = count > best
        result[ahead] = index
        best = np.maximum(best, count)
    result[best < needed] = IGNORE_INDEX
    return result
