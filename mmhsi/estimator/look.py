"""What is seen of a scene and its labels before anything is learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.label_table import IGNORE_INDEX
from mmhsi.errors import ConfigError, counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .source import SceneSource

CORNER = 0.1
"""Share of the scene's rectangle within which labels are said to lie in one place."""

MOST_LABELS = 20_000
"""Labelled pixels that are used; of more, so many are drawn at random."""

LEAST_OF_CLASS = 100
"""Of which every class keeps so many, where it has them."""

MAPPED_PIXELS = 5000
"""Pixels of the scene that are classified to know how common each class is."""


def describe(source: SceneSource) -> list[str]:
    """Lines about the scene and its labels.

    Args:
        source: The scene.
    """
    height, width = source.shape
    info, bands = source.reader.info, len(source.bands)
    left_out = info.shape[2] - bands
    nm = "" if source.wavelengths is None else f", {source.wavelengths.min():.0f} to {source.wavelengths.max():.0f} nm"
    flagged = f" ({left_out} bad or empty)" if left_out else ""
    lines = [f"scene: {height} x {width} pixels, {counted(bands, 'band')} in use{flagged}{nm}"]
    if source.second is not None:
        lines.append(f"second source: {counted(source.second.info.shape[2], 'band')}, {source.scale} x finer")
    if not source.whole:
        lines.append("the scene is large: it is read in rows, its channels are fitted to evenly spread ones")
    counts = np.bincount(source.labels[source.labels != IGNORE_INDEX], minlength=len(source.kept))
    named = [f"{source.info.classes[index]}: {count}" for index, count in zip(source.kept, counts, strict=True)]
    more = f", … ({len(named)} classes)" if len(named) > 20 else ""
    lines.append("labels: " + ", ".join(named[:20]) + more)
    return lines


def doubts(source: SceneSource) -> list[str]:
    """Warnings about the scene and its labels that matter.

    Args:
        source: The scene.
    """
    found = []
    rows, columns = np.divmod(source.pixels, source.shape[1])
    if len(rows):
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1) / (source.shape[0] * source.shape[1])
        if box < CORNER:
            found.append(
                f"all labels lie within {100 * box:.1f} % of the scene, rows {rows.min()} to {rows.max()} and columns "
                f"{columns.min()} to {columns.max()}: how good the map is elsewhere cannot be measured"
            )
    if source.labels_without_data:
        lie = counted(source.labels_without_data, "label lies", "labels lie")
        found.append(f"{lie} on pixels without data (cloud, nodata, NaN): not used")
    if len(source.noisy) > len(source.bands) / 2:
        found.append(f"{len(source.noisy)} of {len(source.bands)} bands look like noise; is this the right file?")
    elif source.noisy:
        like = counted(len(source.noisy), "band looks like noise and is", "bands look like noise and are")
        found.append(f"{like} used; bad_bands (--bad-bands {_ranges(source.noisy)}) leaves bands out")
    return found


def _ranges(bands: list[int]) -> str:
    """Numbers as ``--bad-bands`` takes them."""
    starts = [band for band in bands if band - 1 not in bands]
    ends = [band for band in bands if band + 1 not in bands]
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in zip(starts, ends, strict=True))


def drawn_labels(classes: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Which labelled pixels are used where there are very many.

    Args:
        classes: Class of each, (n,).
        seed: Of the draw.

    Returns:
        Indices, sorted.
    """
    if len(classes) <= MOST_LABELS:
        return np.arange(len(classes))
    order = np.random.default_rng(seed).permutation(len(classes))
    chosen = np.zeros(len(classes), dtype=bool)
    chosen[order[:MOST_LABELS]] = True
    for index in np.unique(classes):
        chosen[order[classes[order] == index][:LEAST_OF_CLASS]] = True
    return np.flatnonzero(chosen)


def polygons_of(source: SceneSource, pixels: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Polygon of each labelled pixel, (n,), where labels were drawn as polygons; None for rasters and points.

    Polygons that are mostly surrounded by others, as in a map of land cover, are parts of one mosaic: held out whole,
    nothing but other classes would lie around them, and what looks at surroundings is misled as nowhere on the map.
    Each of their pixels has a number of its own, so that they are cut as rasters are.

    Args:
        source: The scene.
        pixels: Flat indices of its labelled pixels, (n,).
    """
    if source.polygons is None:
        return None
    numbers = source.polygons.ravel()[pixels].astype(np.int64)
    if len(numbers) < 2 * len(np.unique(numbers)):
        return None
    mosaic = np.isin(numbers, surrounded(source.polygons))
    if mosaic.all():
        return None
    numbers[mosaic] = -1 - np.flatnonzero(mosaic)
    return numbers


def surrounded(polygons: NDArray[np.integer]) -> NDArray[np.int64]:
    """Numbers of the polygons along most of whose border another polygon lies.

    Args:
        polygons: Polygon of every pixel from 1, 0 for none, (H, W).
    """
    most = int(polygons.max()) + 1
    beside, open_sides = np.zeros(most, dtype=np.int64), np.zeros(most, dtype=np.int64)
    for one, other in (
        (polygons[:-1], polygons[1:]),
        (polygons[1:], polygons[:-1]),
        (polygons[:, :-1], polygons[:, 1:]),
        (polygons[:, 1:], polygons[:, :-1]),
    ):
        beside += np.bincount(one[(one != other) & (other > 0)], minlength=most)
        open_sides += np.bincount(one[(one != other) & (other == 0)], minlength=most)
    return np.flatnonzero(beside[1:] > open_sides[1:]) + 1


def mapped_pixels(source: SceneSource, seed: int) -> NDArray[np.int64]:
    """Some of the pixels that hold data, flat indices, sorted.

    Args:
        source: The scene.
        seed: Of the draw.

    Raises:
        ConfigError: If no pixel holds data.
    """
    pixels = np.flatnonzero(source.valid)
    if not len(pixels):
        raise ConfigError(f"{source.info.title}: no pixel holds data in all bands")
    if len(pixels) > MAPPED_PIXELS:
        pixels = np.sort(np.random.default_rng(seed).choice(pixels, MAPPED_PIXELS, replace=False))
    return pixels
