"""Points, lines and polygons on a cube's grid, and what was lost on the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy
from affine import Affine
from rasterio.features import rasterize
from rasterio.warp import transform as transform_points

from mmhsi.errors import DataError, counted
from mmhsi.io.antimeridian import around_the_earth, turn_of
from mmhsi.io.gdal import local_files
from mmhsi.progress import watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .placement import Grid
    from .vectors import Vector
    from .wkb import Shape

    Draw = Callable[[NDArray[np.int32]], tuple[NDArray[np.int32], NDArray[np.int32]]]

AT_ONCE = 10_000
"""Shapes that are drawn before somebody hears of it; rasterio checks all of a call before it draws the first."""


@dataclass(frozen=True, eq=False)
class Burned:
    """Features on a grid.

    Attributes:
        codes: Code of the class of each pixel, (H, W) int32, 0 where none.
        polygons: Which feature each pixel belongs to, (H, W) int32 from 1, 0 where none. Features that share a pixel
            are one: they have one number.
        features: Features with a class.
        unnamed: Features without.
        shapeless: Features without a geometry, or with an empty one.
        outside: Features with a class that lie wholly beyond the scene.
        cut: Those that lie partly beyond it.
        slivers: Those within it that hold no pixel.
        overlapping: Pixels in several features of one class, which they keep.
        conflicting: Pixels in features of several classes, which get none.
    """

    codes: NDArray[np.int32]
    polygons: NDArray[np.int32]
    features: int
    unnamed: int
    shapeless: int
    outside: int
    cut: int
    slivers: int
    overlapping: int
    conflicting: int

    def losses(self, one: str = "class", many: str = "classes") -> list[str]:
        """One phrase for each kind of thing that was left out or is doubtful.

        Args:
            one: What a feature gives its pixels. Default: a class.
            many: Several of those.
        """
        small = "no pixel: smaller than one, or a sliver"
        several, differing = f"in several features of the same {one}", f"in features of different {many} and"
        found = (
            (self.unnamed, f"feature has no {one} and is left out", f"features have no {one} and are left out"),
            (self.shapeless, "feature has no geometry", "features have no geometry"),
            (self.outside, "feature lies outside the scene", "features lie outside the scene"),
            (self.cut, "feature reaches beyond the scene", "features reach beyond the scene"),
            (self.slivers, f"feature holds {small}", f"features hold {small}"),
            (self.overlapping, f"pixel lies {several}", f"pixels lie {several}"),
            (self.conflicting, f"pixel lies {differing} gets none", f"pixels lie {differing} get none"),
        )
        return [counted(*what) for what in found if what[0]]


def burn(vector: Vector, codes: NDArray[np.int32], grid: Grid, all_touched: bool = False) -> Burned:
    """Give every pixel the class of the feature that it lies in.

    Vertices are brought into the grid's coordinates, edges stay straight between them. A polygon holds the pixels
    whose centres lie in it, by the even-odd rule where it crosses itself; a line the pixels that it passes through; a
    point its pixel. On a grid in longitudes, or in a web map's coordinates, what lies beyond 180° is found on either
    side of it, and an edge of more than 180° goes the short way around the earth. On a grid without a place
    coordinates are pixels, (column, row) from the upper left corner of the picture; where all rows are at most 0, as
    QGIS draws them, they count downwards.

    Args:
        vector: The features.
        codes: Code of each feature's class, (N,) int32, above 0; 0 for none.
        grid: The cube's pixels.
        all_touched: Whether a polygon holds every pixel that it touches. Default False.

    Returns:
        The pixels.

    Raises:
        DataError: File and grid cannot be matched, a place lies where the grid's coordinates end, no feature has a
            class, or none lies on the grid.
    """
    shapeless = np.bincount(vector.owners, minlength=len(codes)) == 0
    named = (codes > 0) & ~shapeless
    if not named.any():
        raise DataError(f"{vector.path}: none of its {len(codes)} features has a class")
    kept = np.flatnonzero(named[vector.owners])
    owners = vector.owners[kept]
    shapes = in_pixels(vector, [vector.shapes[index] for index in kept], owners, grid)
    turn = None if vector.in_pixels or grid.transform is None else turn_of(grid.crs)
    if turn is not None and grid.transform is not None:
        shapes, owners = around_the_earth(shapes, owners, grid.shape, grid.transform, turn)
    away, beyond = _beyond(shapes, owners, grid.shape, len(codes))
    has_shape = np.bincount(owners, minlength=len(codes)) > 0
    if not (has_shape & ~away).any():
        raise DataError(f"{vector.path}: {_nowhere(shapes, vector, grid)}")
    near = np.flatnonzero(~away[owners])
    owners = owners[near]
    geometries = [geometry_of(shapes[index]) for index in near]

    def draw(values: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        # The last one drawn wins.
        order = np.argsort(values[owners], kind="stable").tolist()
        return _draw(order[::-1], values), _draw(order, values)

    passes = itertools.count(1)

    def _draw(order: list[int], values: NDArray[np.int32]) -> NDArray[np.int32]:
        drawn = np.zeros(grid.shape, dtype=np.int32)
        starts = range(0, len(order), AT_ONCE)
        for start in watched(starts, f"drawing the labels, pass {next(passes)}"):  # how many there are nobody knows
            pairs = [(geometries[index], int(values[owners[index]])) for index in order[start : start + AT_ONCE]]
            with local_files():
                rasterize(pairs, out=drawn, transform=Affine.identity(), all_touched=all_touched)
        return drawn

    numbers = np.arange(1, len(codes) + 1, dtype=np.int32)
    first, last = draw(numbers)
    seen = np.zeros(len(codes) + 1, dtype=bool)
    seen[first], seen[last] = True, True
    shared = first != last
    lowest = highest = np.concatenate([[0], codes]).astype(np.int32)[last]
    if shared.any():
        lowest, highest = draw(codes)
    conflict = lowest != highest
    groups = _joined(numbers, first, last, draw)
    slivers = named & has_shape & ~away & ~seen[1:]
    result = np.where(conflict, 0, highest)
    if not result.any():
        raise DataError(f"{vector.path}: none of its features holds a pixel of {grid.name}")
    return Burned(
        codes=result,
        polygons=groups,
        features=int(named.sum()),
        unnamed=int((~named & ~shapeless).sum()),
        shapeless=int(shapeless.sum()),
        outside=int((away & named).sum()),
        cut=int((beyond & ~away & named).sum()),
        slivers=int(slivers.sum()),
        overlapping=int((shared & ~conflict).sum()),
        conflicting=int(conflict.sum()),
    )


def _joined(
    numbers: NDArray[np.int32], first: NDArray[np.int32], last: NDArray[np.int32], draw: Draw
) -> NDArray[np.int32]:
    """Numbers of the features in every pixel, where those that share a pixel have the least of their numbers."""
    joined = numbers.copy()
    while (first != last).any():
        pairs = np.unique(np.stack([first[first != last], last[first != last]], axis=1), axis=0) - 1
        size = len(numbers)
        graph = scipy.sparse.coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
        _, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
        least = np.full(component.max() + 1, size + 1, dtype=np.int32)
        np.minimum.at(least, component, joined)
        joined = least[component[joined - 1]]
        # Features between the first and the last of a pixel come to light when it is drawn anew.
        first, last = draw(joined)
    return last


def in_pixels(vector: Vector, shapes: list[Shape], owners: NDArray[np.int64], grid: Grid) -> list[Shape]:
    """The same shapes in the grid's pixels, (column, row).

    Args:
        vector: The file's features, for its coordinate system and messages.
        shapes: Some of its shapes.
        owners: Feature of each.
        grid: The pixels.

    Raises:
        DataError: File and grid cannot be matched, or a place lies where the grid's coordinates end.
    """
    rings = [ring for shape in shapes for ring in shape.rings]
    places = np.concatenate(rings)
    if not vector.in_pixels:
        places = _places(vector, places, grid)
    lengths = np.array([len(ring) for ring in rings])
    if not np.isfinite(places).all():
        ring = int(np.searchsorted(lengths.cumsum(), np.argmin(np.isfinite(places).all(axis=1)), side="right"))
        per_shape = np.array([len(shape.rings) for shape in shapes])
        feature = int(owners[np.searchsorted(per_shape.cumsum(), ring, side="right")])
        raise DataError(
            f"{vector.path}: feature {feature + 1} ({vector.values[feature]}) has a place that {grid.crs} does not "
            f"reach; is {vector.crs} what its coordinates are in?"
        )
    parts = iter(np.split(places, lengths.cumsum()[:-1]))
    return [shape._replace(rings=[next(parts) for _ in shape.rings]) for shape in shapes]


def _places(vector: Vector, places: NDArray[np.float64], grid: Grid) -> NDArray[np.float64]:
    """Coordinates (N, 2) of a file as (column, row) of a grid."""
    x, y = places.T
    source = vector.crs
    if grid.crs is None:
        if source is not None and not vector.may_be_pixels:
            raise DataError(
                f"{vector.path}: its coordinates are in {source}, but {grid.name} has no coordinate system; give the "
                "scene one, or draw on it without one"
            )
        if grid.transform is None:
            return np.stack([x, -y if (y <= 0).all() else y], axis=1)
    elif source is None and vector.path.suffix.lower() != ".csv":
        raise DataError(
            f"{vector.path}: has no coordinate system, {grid.name} has {grid.crs}; give the layer one (QGIS: Set layer "
            "CRS, then save it)"
        )
    elif grid.transform is None:
        raise DataError(f"{grid.name}: has a coordinate system, but does not say where its pixels lie in it")
    elif source is not None and source != grid.crs:
        try:
            xs, ys = transform_points(source, grid.crs, x, y)
        except Exception as error:
            hint = " (GeoJSON that names no crs is in longitude and latitude)" if vector.may_be_pixels else ""
            raise DataError(f"{vector.path}: {source} cannot be brought into {grid.crs}: {error}{hint}") from error
        x, y = np.asarray(xs), np.asarray(ys)
    back = ~grid.transform
    return np.stack([back.a * x + back.b * y + back.c, back.d * x + back.e * y + back.f], axis=1)


def _beyond(
    shapes: list[Shape], owners: NDArray[np.int64], size: tuple[int, int], count: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which features lie wholly, and which at least partly, outside a grid of (H, W), (N,) bool each."""
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    starts = np.concatenate([[0], np.cumsum([len(shape.rings[0]) for shape in shapes])[:-1]]).astype(int)
    outlines = np.concatenate([shape.rings[0] for shape in shapes])
    np.minimum.at(low, owners, np.minimum.reduceat(outlines, starts))
    np.maximum.at(high, owners, np.maximum.reduceat(outlines, starts))
    height, width = size
    has_shape = np.isfinite(low[:, 0])
    away = (high < 0).any(axis=1) | (low[:, 0] >= width) | (low[:, 1] >= height)
    beyond = (low < 0).any(axis=1) | (high[:, 0] > width) | (high[:, 1] > height)
    return away & has_shape, beyond & has_shape


def _nowhere(shapes: list[Shape], vector: Vector, grid: Grid) -> str:
    """Where features lie that are not on a grid."""
    places = np.concatenate([shape.rings[0] for shape in shapes])
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    system = "an image without a place, so they count as pixels" if grid.crs is None else vector.crs
    return (
        f"no feature with a class lies on {grid.name}: they span rows {top:.0f} to {bottom:.0f} and columns "
        f"{left:.0f} to {right:.0f} of its {grid.shape[0]} x {grid.shape[1]} pixels ({system})"
    )


def geometry_of(shape: Shape) -> dict:
    """What rasterio draws.

    Args:
        shape: In any coordinates.
    """
    rings = [ring.tolist() for ring in shape.rings]
    if shape.kind == "Point":
        return {"type": "Point", "coordinates": rings[0][0]}
    return {"type": shape.kind, "coordinates": rings if shape.kind == "Polygon" else rings[0]}
