"""Values to be predicted on a cube's grid: from a raster of them, or from points, lines and polygons with numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import ConfigError, DataError, counted
from mmhsi.io.cube import holds_data
from mmhsi.io.doubts import doubt
from mmhsi.io.placement import Grid, Placement
from mmhsi.io.rasterize import burn
from mmhsi.io.vectors import is_vector, read_vector

from .scene import open_second_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mmhsi.io import CubeReader
    from mmhsi.io.vectors import Vector

    from .catalogue import SceneInfo


FILLS = (-9999.0, -32768.0, -3.4028234663852886e38)
"""What files that flag no value as no data often mean by it."""


@dataclass(frozen=True, eq=False)
class GridValues:
    """Values of a cube's pixels.

    Attributes:
        values: float32, (H, W, T), NaN where nothing is known.
        targets: T names.
        polygons: Which feature of a vector file each pixel lies in, (H, W) int32 from 1, 0 in none; None of a raster.
    """

    values: NDArray[np.float32]
    targets: tuple[str, ...]
    polygons: NDArray[np.int32] | None = None


def read_values(info: SceneInfo, root: Path, grid: Grid) -> GridValues:
    """Read a scene's values on the cube's grid.

    Of a raster on another grid each pixel has the mean of what lies in it; of features that share a pixel and differ
    none counts there.

    Args:
        info: What is known of the scene.
        root: Folder that its files are relative to.
        grid: The cube's pixels.

    Raises:
        ConfigError: If no file or no target is named, two are alike, or units do not fit the targets.
        DataError: If a file is missing or damaged, lies elsewhere, has no such field or band, or holds no number.
    """
    if info.values is None:
        raise ConfigError(f"{info.title}: scene=dict(values=…) is needed, the file of the values")
    path = root / info.values
    if is_vector(path):
        if not info.targets:
            raise ConfigError(f"{info.title}: scene=dict(targets=[…]) is needed, the fields of {info.values}")
        found = _drawn(path, info, grid)
    else:
        found = _sampled(path, info, grid)
    if info.units and len(info.units) != len(found.targets):
        raise ConfigError(f"{path}: {len(info.units)} units for {len(found.targets)} targets, expected one each")
    if len(set(found.targets)) < len(found.targets):
        raise ConfigError(f"{path}: targets {', '.join(found.targets)}, expected names that differ")
    for value in FILLS:
        count = int((found.values == np.float32(value)).sum())
        if count:
            said = f"has {value:g} in {counted(count, 'place')} of {grid.name}, which is learnt as a value"
            doubt(path, "fill", f"{said}; if it means no data, flag it in the file")
    return found


def _drawn(path: Path, info: SceneInfo, grid: Grid) -> GridValues:
    """Values of a vector file's fields."""
    values = np.full((*grid.shape, len(info.targets)), np.nan, dtype=np.float32)
    polygons = np.zeros(grid.shape, dtype=np.int32)
    for index, field in enumerate(info.targets):
        vector = read_vector(path, field, info.label_layer, option="targets")
        numbers = _numbers(vector, field)
        known, codes = np.unique(numbers[np.isfinite(numbers)], return_inverse=True)
        coded = np.zeros(len(numbers), dtype=np.int32)
        coded[np.isfinite(numbers)] = codes + 1
        burned = burn(vector, coded, grid, info.label_touched)
        losses = burned.losses("value", "values")
        if losses:
            drawn = counted(burned.features, "feature")
            doubt(path, f"drawn {field}", f"{drawn} on {grid.name}, {field}: {'; '.join(losses)}")
        inside = burned.codes > 0
        values[inside, index] = known[burned.codes[inside] - 1]
        polygons = np.where(polygons > 0, polygons, burned.polygons)
    return GridValues(values, info.targets, polygons)


def _numbers(vector: Vector, field: str) -> NDArray[np.float64]:
    """What a field says of each feature, NaN where nothing."""
    numbers = np.full(len(vector.values), np.nan)
    for index, text in enumerate(vector.values):
        if text:
            try:
                numbers[index] = float(text)
            except ValueError:
                raise DataError(
                    f"{vector.path}: feature {index + 1} has {field}={text!r}, expected a number (targets)"
                ) from None
            if math.isinf(numbers[index]):
                raise DataError(f"{vector.path}: feature {index + 1} has {field}={text}, expected a finite number")
    if not np.isfinite(numbers).any():
        raise DataError(f"{vector.path}: no feature has a number in {field}")
    return numbers


def _sampled(path: Path, info: SceneInfo, grid: Grid) -> GridValues:
    """Values of a raster's bands."""
    with open_second_file(path, info.values_key, info.values_axes) as reader:
        count = reader.info.shape[2]
        targets = info.targets or tuple(f"band {band + 1}" if count > 1 else "value" for band in range(count))
        if len(targets) != count:
            bands = counted(count, "band")
            raise ConfigError(f"{path}: {bands} of values for the targets {', '.join(targets)}, expected one each")
        fine = _read(reader)
        place = Placement(grid, Grid.of(reader.info))
        scale = max(1, fine.shape[0] // grid.shape[0])
        if place.fits(scale):
            return GridValues(block_means(fine, scale), targets)
        if not place.known or place.grid.crs is None or place.other.crs is None:
            raise DataError(
                f"{path}: {fine.shape[0]} x {fine.shape[1]} pixels of values, but {grid.name} has {grid.shape[0]} x "
                f"{grid.shape[1]}; without coordinate systems they cannot be matched"
            )
        samples = place.samples()
        rows, columns = place.places((0, 0, *grid.shape), samples)
        inside = rows >= 0
        if not inside.any():
            raise DataError(f"{path}: covers none of the ground of {grid.name}")
        found = np.full((*rows.shape, count), np.nan, dtype=np.float32)
        found[inside] = fine[rows[inside], columns[inside]]
        doubt(
            path,
            "grid",
            f"lies on another grid than {grid.name} and is brought onto it by means of {samples**2} places",
        )
        return GridValues(block_means(found, samples), targets)


def _read(reader: CubeReader) -> NDArray[np.float32]:
    """A raster's values (H, W, T), NaN where it has none."""
    cube = reader.read()
    if cube.data.dtype.kind not in "iuf":
        raise DataError(f"{reader.path}: holds {cube.data.dtype}, expected numbers")
    values = cube.data.astype(np.float32)
    present = holds_data(cube.data, cube.nodata)
    if present is not None:
        values[~present] = np.nan
    if cube.mask is not None:
        values[~(cube.mask if cube.mask.ndim == 3 else np.broadcast_to(cube.mask[..., None], values.shape))] = np.nan
    return values


def block_means(values: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Mean of what is known in each block.

    Args:
        values: Shape (H · s, W · s, T), NaN where nothing is known.
        scale: s.

    Returns:
        Shape (H, W, T), NaN where nothing is known in the whole block.
    """
    if scale == 1:
        return values
    height, width, count = values.shape
    blocks = values.reshape(height // scale, scale, width // scale, scale, count)
    known = np.isfinite(blocks)
    total = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    number = known.sum(axis=(1, 3))
    return np.where(number > 0, total / np.maximum(number, 1), np.nan).astype(np.float32)
