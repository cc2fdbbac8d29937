"""A scene in memory: its cube, which pixels hold data, its labels, and a second source on the same ground."""

from __future__ import annotations

import hashlib
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import CubeInfo, CubeReader, HSICube, open_label_map
from mmhsi.io.memory import let_go
from mmhsi.io.placement import Grid, Placement
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.vectors import is_vector

from .bands import band_centres, choose_bands
from .drawn_labels import draw_labels
from .label_grid import grid_classes
from .label_table import IGNORE_INDEX, LabelTable
from .mirroring import cut_mirrored
from .noise import doubt_bands
from .scene_in_file import held_in_memory, mapped_cube
from .statistics import require_data

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from affine import Affine

    from .catalogue import SceneInfo


@dataclass(frozen=True, eq=False)
class Scene:
    """A scene with the bands that are used.

    Attributes:
        cube: (H, W, C) in the file's dtype.
        valid: (H, W) bool, pixels that hold data in every source.
        bands: 0-based bands of the file that ``cube`` holds.
        file_bands: Bands of the file.
        second: Second source, (H · s, W · s, C2), or None.
        second_scale: s, its pixels per cube pixel along each axis.
        values: How the cube's values have come about (:attr:`mmhsi.io.CubeInfo.values`); empty where unknown.
    """

    cube: HSICube
    valid: np.ndarray
    bands: list[int]
    file_bands: int
    second: np.ndarray | None = None
    second_scale: int = 1
    values: str = ""

    def __getstate__(self) -> dict[str, object]:
        if not self.mapped:
            return self.__dict__
        # numpy would pickle all values; another process of this machine maps the file anew.
        cube = copy(self.cube)
        cube.data = self.cube.data[:0]
        return {**self.__dict__, "cube": cube, "mapped_file": self.cube.data.filename}  # type: ignore[attr-defined]

    def __setstate__(self, state: dict[str, Any]) -> None:
        file = state.pop("mapped_file", None)
        if file is not None:
            state["cube"].data = np.load(file, mmap_mode="r")
        self.__dict__.update(state)

    @property
    def mapped(self) -> bool:
        """Whether the cube's values lie in a file, since memory does not hold them."""
        return isinstance(self.cube.data, np.memmap)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.cube.data.shape[0], self.cube.data.shape[1]

    def cut(self, top: int, left: int, size: tuple[int, int]) -> dict[str, Tensor]:
        """Cut a window; what lies beyond the scene is mirrored.

        Args:
            top: Its first row; may lie before the scene.
            left: Its first column, likewise.
            size: (h, w) in pixels.

        Returns:
            ``window`` (h, w, C) in the file's dtype; ``valid``, bool (h, w), pixels that hold data; with a second
            source also ``second`` (h · s, w · s, C2).
        """
        return self.cut_all([(top, left)], size)[0]

    def cut_all(self, corners: Iterable[tuple[int, int]], size: tuple[int, int]) -> list[dict[str, Tensor]]:
        """Cut windows of one size, as :meth:`cut` does; memory that mapped values took is given back once.

        Args:
            corners: First row and column of each.
            size: (h, w) in pixels.
        """
        parts = {"window": (self.cube.data, 1), "valid": (self.valid, 1)}
        if self.second is not None:
            parts["second"] = (self.second, self.second_scale)
        cut = [
            {
                name: torch.from_numpy(cut_mirrored(values, top, left, size, scale))
                for name, (values, scale) in parts.items()
            }
            for top, left in corners
        ]
        let_go(self.cube.data)
        return cut

    @cached_property
    def key(self) -> str:
        """What tells its values from those of other scenes: equal scenes have equal keys, whoever read them."""
        digest = hashlib.sha256()
        if self.mapped:
            digest.update(str(self.cube.data.filename).encode())  # type: ignore[attr-defined]
        for array in (None if self.mapped else self.cube.data, self.valid, self.second):
            if array is not None:
                digest.update(repr((array.shape, array.dtype.str)).encode())
                for row in array:
                    digest.update(np.ascontiguousarray(row).data)
        return digest.hexdigest()[:32]


def load_scene(info: SceneInfo, root: Path, use_second: bool = False, in_memory: bool = True) -> Scene:
    """Read a scene.

    Args:
        info: What is known of it.
        root: Folder that its files are relative to.
        use_second: Whether the second source is read.
        in_memory: Whether the cube's values are to be held even where they take most of the memory there is. Default
            True.

    Returns:
        The scene.

    Raises:
        ConfigError: If no band is left, wavelengths do not fit, or there is no second source.
        DataError: If a file is missing or damaged, a band is empty, or the second source covers other ground.
    """
    options = info.image_options.under(root)
    with open_reader(root / info.image, info.image_key, 3, info.image_axes, options) as reader:
        header = reader.info
        bands = choose_bands(header, info.bad_bands)
        centres = band_centres(info.wavelengths, header)
        if in_memory or held_in_memory(reader, len(bands)):
            cube = reader.read(bands=bands)
            require_data(cube)
            valid = cube.valid()
        else:
            cube, valid = mapped_cube(reader, bands, (info.image_key, info.image_axes, info.image_options))
    file_bands = header.shape[2]
    if centres is not None:
        cube.wavelengths = centres[bands]
    if not info.citation and not info.bad_bands:  # what the catalogue describes has been looked at
        doubt_bands(cube)
    if not use_second:
        return Scene(cube, valid, bands, file_bands, values=header.values)
    if info.second_image is None:
        raise ConfigError(f"{info.title}: has no second source; give scene=dict(second_image=…)")
    scale = info.second_scale
    with open_second(root / info.second_image, info.second_key, header, scale, info.second_axes) as reader:
        second = reader.read()
    height, width = valid.shape
    valid = valid & second.valid().reshape(height, scale, width, scale).all(axis=(1, 3))
    return Scene(cube, valid, bands, file_bands, second.data, scale, header.values)


def open_second(
    path: Path, key: str | None, cube: CubeInfo, scale: int | None = None, axes: str | None = None
) -> CubeReader:
    """Open a second source and check that it covers a cube's ground.

    Args:
        path: Its file, as for :func:`open_second_file`.
        key: Variable of a ``.mat`` file.
        cube: What the cube's file says about itself.
        scale: Pixels of the second source per cube pixel along each axis. Default: what their heights give.
        axes: Axes of its array where the file does not name them.

    Returns:
        The reader.

    Raises:
        DataError: If the file is missing or damaged, or the source covers other ground.
    """
    reader = open_second_file(path, key, axes)
    info = reader.info
    scale = scale or max(1, info.shape[0] // cube.shape[0])
    size = (cube.shape[0] * scale, cube.shape[1] * scale)
    if info.shape[:2] != size:
        rows, columns = info.shape[0] / cube.shape[0], info.shape[1] / cube.shape[1]
        whole = rows == columns == int(rows)
        raise DataError(
            f"{path}: {info.shape[0]} x {info.shape[1]} pixels are {rows:.4g} x {columns:.4g} times the "
            f"{cube.shape[0]} x {cube.shape[1]} of {cube.name}, whose ground they have to cover; expected "
            + (f"second_scale={scale}" if whole else "a whole number, the same along both axes (gdalwarp)")
        )
    if not Placement(Grid.of(cube), Grid.of(info)).fits(scale):
        reader.close()
        raise DataError(
            f"{path}: lies elsewhere than {cube.name} or in another direction (transform {_numbers(info.transform)}, "
            f"{info.crs}; {_numbers(cube.transform)}, {cube.crs}); bring it onto the same grid (gdalwarp)"
        )
    return reader


def open_second_file(path: Path, key: str | None, axes: str | None = None) -> CubeReader:
    """Open a second source, which of a single band may be stored without its third axis, as LiDAR heights are.

    Args:
        path: Its file.
        key: Variable of a ``.mat`` or HDF5 file.
        axes: Axes of its array where the file does not name them.

    Raises:
        DataError: If the file is missing or damaged, or no array fits.
    """
    try:
        return open_reader(path, key, 3, axes)
    except DataError:
        return open_reader(path, key, 2, axes)


def _numbers(transform: Affine | None) -> str:
    """The six numbers of a transform."""
    return "none" if transform is None else ", ".join(f"{value:g}" for value in transform[:6])


@dataclass(frozen=True, eq=False)
class SceneLabels:
    """Labels of a scene on the cube's grid.

    Attributes:
        labels: Class indices, int64, (H, W), :data:`IGNORE_INDEX` where there is no label or no data.
        kept: Which of ``info.classes`` they count.
        info: What is known of the scene, with the classes that a vector file names.
        polygons: Which feature of a vector file each pixel lies in, (H, W) int32 from 1, 0 in none; None of a raster.
    """

    labels: np.ndarray
    kept: list[int]
    info: SceneInfo
    polygons: np.ndarray | None = None


def read_scene_labels(info: SceneInfo, root: Path, scene: Scene) -> SceneLabels:
    """Read a scene's labels on the cube's grid.

    Args:
        info: What is known of the scene.
        root: Folder that its files are relative to.
        scene: The scene.

    Raises:
        ConfigError: If no label map is named.
        DataError: If it is missing or damaged, has another size, lies elsewhere, or has an id outside the table.
    """
    return labels_on_grid(info, root, Grid.of(scene.cube), scene.valid)


def labels_on_grid(info: SceneInfo, root: Path, grid: Grid, valid: np.ndarray) -> SceneLabels:
    """Read a scene's labels on a grid, without the scene.

    Args:
        info: What is known of the scene.
        root: Folder that its files are relative to.
        grid: The cube's pixels.
        valid: Pixels that hold data, bool (H, W); others have no label.

    Raises:
        ConfigError: If no label map is named.
        DataError: If it is missing or damaged, has another size, lies elsewhere, or has an id outside the table.
    """
    if info.labels is None:
        raise ConfigError(f"{info.title}: scene=dict(labels=…) is needed, the file of the label map")
    path, polygons = root / info.labels, None
    if is_vector(path):
        drawn = draw_labels(
            path,
            grid,
            info.classes,
            info.label_ids,
            info.ignore_ids,
            info.label_field,
            info.label_layer,
            info.label_touched,
        )
        labels, polygons = drawn.labels, drawn.burned.polygons
        ignored = tuple(label for label in info.ignore_ids if label not in drawn.label_ids)
        info = replace(info, classes=drawn.classes, label_ids=drawn.label_ids, ignore_ids=ignored)
    else:
        table = LabelTable(info.label_ids, info.classes, info.ignore_ids, info.ignore_others, info.same_ids)
        shape = info.image_options.shape if "pixel" in (info.labels_axes or "") else None
        opened = open_label_map(path, info.labels_key, info.labels_axes, info.label_threshold, shape)
        with opened as labels_file:
            labels = grid_classes(labels_file, grid, table, info.label_scale, info.label_majority)
    labels[~valid] = IGNORE_INDEX
    counts = np.bincount(labels[labels != IGNORE_INDEX], minlength=len(info.classes))
    kept = np.flatnonzero(counts >= info.min_class_pixels)
    renumbered = np.full(IGNORE_INDEX + 1, IGNORE_INDEX)
    renumbered[kept] = np.arange(len(kept))
    np.take(renumbered, labels, out=labels)
    return SceneLabels(labels, kept.tolist(), info, polygons)
