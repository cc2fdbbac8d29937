"""What a map tells beside its classes: spectra, doubtful regions, and where to label next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from mmhsi.inference.suggestion import suggest_pixels
from mmhsi.io import open_cube

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from affine import Affine
    from numpy.typing import NDArray

    from mmhsi.io import CubeReader

    from .source import SceneSource

QUANTILES = (0.1, 0.9)
"""Of a class's spectra."""

BLOCKS = 64
"""Blocks along the longer side of a scene whose doubt is averaged."""

DOUBTFUL = 0.5
"""Mean doubt of a block from which on it is doubtful; or that of the most doubtful tenth, where that is more."""

REGIONS = 8
SUGGESTIONS = 20
SURE = 0.005
"""Doubt below which a label would tell nothing."""

ROWS = 256
"""Rows of a map that are read at a time; rows of a scene that suggestions are drawn from."""

LOOKED_AT = 4000
"""Pixels that suggestions are chosen from."""


def labelled_spectra(source: SceneSource, pixels: NDArray[np.int64], classes: NDArray[np.int64]) -> dict[str, Any]:
    """Mean and quantiles of the spectra of every class's labelled pixels, as plain data.

    Args:
        source: The scene.
        pixels: Flat indices, (n,).
        classes: Class of each, (n,).

    Returns:
        ``bands``, those of the file from 0; ``wavelengths`` in nm or None; ``reflectance``, whether the file says that
        its values are; ``classes``, for each class with labels its ``name`` and number of ``labels``, ``mean``, ``low``
        and ``high``, a value a band in the file's unit.
    """
    values = source.spectra(pixels)
    rows = []
    for place, index in enumerate(source.kept):
        own = values[classes == place]
        if not len(own):
            continue
        low, high = np.quantile(own, QUANTILES, axis=0)
        mean = own.mean(axis=0, dtype=np.float64)
        name = str(source.info.classes[index])
        rows.append(dict(name=name, labels=len(own), mean=_plain(mean), low=_plain(low), high=_plain(high)))
    nm = None if source.wavelengths is None else _plain(source.wavelengths)
    reflectance = source.reader.info.reflectance
    return dict(bands=list(source.bands), wavelengths=nm, reflectance=reflectance, classes=rows)


def _place(transform: Affine | None, column: float, row: float) -> tuple[float | None, float | None]:
    """Map coordinates, None without a transform."""
    if transform is None:
        return None, None
    a, b, c, d, e, f = transform[:6]
    return float(a * column + b * row + c), float(d * column + e * row + f)


def _plain(values: NDArray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]


def map_rows(reader: CubeReader) -> Iterator[tuple[int, NDArray]]:
    """First row and values (rows, W) of parts of a map, from top to bottom.

    Args:
        reader: Open map of one band.
    """
    height, width = reader.info.shape[:2]
    for first in range(0, height, ROWS):
        yield first, reader.read((first, 0, min(ROWS, height - first), width)).data[..., 0]


def doubtful_regions(doubt: Path) -> list[dict[str, Any]]:
    """The largest connected regions in which the map is in doubt, most doubt in all first, as plain data.

    Args:
        doubt: GeoTIFF of the doubt, NaN without data.

    Returns:
        For each ``rows`` and ``columns``, first and past the last; ``doubt``, its mean; ``pixels``, those with data;
        and ``x`` and ``y`` of its middle in the map's coordinates, None without.
    """
    with open_cube(doubt) as reader:
        height, width = reader.info.shape[:2]
        transform = reader.info.transform if reader.info.crs is not None else None
        side = max(4, -(-max(height, width) // BLOCKS))
        shape = -(-height // side), -(-width // side)
        total, count = np.zeros(shape), np.zeros(shape)
        for first, values in map_rows(reader):
            row, column = (np.arange(first, first + len(values)) // side)[:, None], (np.arange(width) // side)[None]
            place = (row * shape[1] + column).ravel()
            known = np.isfinite(values).ravel()
            total += np.bincount(place[known], values.ravel()[known], total.size).reshape(shape)
            count += np.bincount(place[known], minlength=total.size).reshape(shape)
    mean = np.divide(total, count, out=np.zeros(shape), where=count > 0)
    if not count.any():
        return []
    limit = max(DOUBTFUL, float(np.quantile(mean[count > 0], 0.9)))
    regions, number = ndimage.label(mean >= limit)
    found: list[dict[str, Any]] = []
    for index, (rows, columns) in enumerate(ndimage.find_objects(regions), 1):
        inside = regions[rows, columns] == index
        pixels, doubts = count[rows, columns][inside].sum(), total[rows, columns][inside].sum()
        top, bottom = rows.start * side, min(rows.stop * side, height)
        left, right = columns.start * side, min(columns.stop * side, width)
        x, y = _place(transform, (left + right) / 2, (top + bottom) / 2)
        found.append(
            dict(rows=[top, bottom], columns=[left, right], doubt=float(doubts / pixels), pixels=int(pixels), x=x, y=y)
        )
    return sorted(found, key=lambda one: -one["doubt"] * one["pixels"])[:REGIONS] if number else []


def next_labels(cube: Path, scene: Mapping[str, Any], doubt: Path, seed: int) -> list[dict[str, Any]]:
    """Where labels would tell most: pixels in doubt whose spectra differ, as plain data.

    Args:
        cube: The scene's file.
        scene: ``image_key`` and ``image_axes``, where it needs them.
        doubt: GeoTIFF of the doubt.
        seed: Of the draw of pixels that are looked at.

    Returns:
        For each ``row``, ``column``, ``doubt``, and ``x`` and ``y``, None without coordinates; none where nothing is in
        doubt.
    """
    rng = np.random.default_rng(seed)
    with (
        open_cube(doubt) as doubts,
        open_cube(cube, scene.get("image_key"), scene.get("image_axes"), **scene.get("image_options", {})) as reader,
    ):
        height, width = doubts.info.shape[:2]
        if reader.info.shape[:2] != (height, width):
            return []
        transform = reader.info.transform if reader.info.crs is not None else None
        bands = [int(band) for band in reader.info.good_bands.nonzero()[0]]
        rows = np.unique(np.linspace(0, height - 1, min(height, ROWS)).round().astype(int))
        places, values, spectra = [], [], []
        for row in (int(one) for one in rows):
            line = doubts.read((row, 0, 1, width)).data[0, :, 0]
            columns = np.flatnonzero(line >= SURE)  # not where there is no data
            keep = max(1, LOOKED_AT // len(rows))
            columns = np.sort(rng.permutation(columns)[:keep]) if len(columns) > keep else columns
            if not len(columns):
                continue
            places.append(np.stack([np.full(len(columns), row), columns], axis=1))
            values.append(line[columns])
            spectra.append(reader.read((row, 0, 1, width), bands).data[0][columns].astype(np.float32))
    if not places:
        return []
    where, unsure = np.concatenate(places), np.concatenate(values)
    apart = max(height, width) / 50
    chosen = suggest_pixels(np.concatenate(spectra), where, unsure, SUGGESTIONS, apart, seed)
    found = []
    for index in chosen:
        row, column = (int(place) for place in where[index])
        x, y = _place(transform, column + 0.5, row + 0.5)
        found.append(dict(row=row, column=column, doubt=float(unsure[index]), x=x, y=y))
    return found
