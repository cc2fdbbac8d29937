"""A scene in memory: its cube, which pixels hold data, its labels, and a second source on the same ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from affine import Affine

from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, open_cube, read_cube, read_label_map
from mmhsi.io.readers.opening import open_reader

from .bands import choose_bands
from .catalogue import SceneInfo
from .label_grid import majority_labels
from .labels import IGNORE_INDEX, LabelTable
from .statistics import require_data


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
    """

    cube: HSICube
    valid: np.ndarray
    bands: list[int]
    file_bands: int
    second: np.ndarray | None = None
    second_scale: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.cube.data.shape[0], self.cube.data.shape[1]


def load_scene(info: SceneInfo, root: Path, bad_bands: Sequence[int] | None = None, use_second: bool = False) -> Scene:
    """Read a scene.

    Args:
        info: What is known of it.
        root: Folder that its files are relative to.
        bad_bands: 0-based bands to leave out beside those that the file flags; None for what ``info`` names.
        use_second: Whether the second source is read.

    Returns:
        The scene.

    Raises:
        ConfigError: If no band is left, wavelengths do not fit, or there is no second source.
        DataError: If a file is missing or damaged, a band is empty, or the second source covers other ground.
    """
    path = root / info.image
    with open_cube(path, key=info.image_key) as reader:
        bands = choose_bands(reader.info, info.bad_bands if bad_bands is None else bad_bands)
        file_bands = reader.info.shape[2]
        cube = reader.read(bands=bands)
    if info.wavelengths is not None:
        if len(info.wavelengths) != file_bands:
            raise ConfigError(f"wavelengths has {len(info.wavelengths)} values, {path} has {file_bands} bands")
        cube.wavelengths = np.asarray(info.wavelengths)[bands]
    require_data(cube)
    valid = cube.valid()
    if not use_second:
        return Scene(cube, valid, bands, file_bands)
    second = _read_second(info, root, cube)
    scale = info.second_scale
    height, width = valid.shape
    valid = valid & second.valid().reshape(height, scale, width, scale).all(axis=(1, 3))
    return Scene(cube, valid, bands, file_bands, second.data, scale)


def _read_second(info: SceneInfo, root: Path, cube: HSICube) -> HSICube:
    """Read the second source and check that it covers the cube's ground."""
    if info.second_image is None:
        raise ConfigError(f"{info.title}: has no second source; give second_image=…")
    path = root / info.second_image
    second = _read_cube_or_map(path, info.second_key)
    height, width = (side * info.second_scale for side in cube.data.shape[:2])
    if second.data.shape[:2] != (height, width):
        raise DataError(
            f"{path}: {second.data.shape[0]} x {second.data.shape[1]} pixels do not cover the ground of {cube.name} "
            f"({cube.data.shape[0]} x {cube.data.shape[1]} pixels) at second_scale={info.second_scale}"
        )
    if cube.transform is not None and second.transform is not None:
        here, there = _extent(cube, cube.transform), _extent(second, second.transform)
        if cube.crs != second.crs or not np.allclose(here, there, rtol=0, atol=abs(cube.transform.a) / 2):
            raise DataError(f"{path}: lies at {there} ({second.crs}), {cube.name} at {here} ({cube.crs})")
    return second


def _extent(cube: HSICube, transform: Affine) -> tuple[float, float, float, float]:
    """Map coordinates of the first and of the last corner of a north-up cube."""
    height, width, _ = cube.data.shape
    return transform.c, transform.f, transform.c + transform.a * width, transform.f + transform.e * height


def _read_cube_or_map(path: Path, key: str | None) -> HSICube:
    """Read a second source; one of a single band may be stored without its third axis, as LiDAR heights are."""
    try:
        return read_cube(path, key=key)
    except DataError:
        with open_reader(path, key, 2) as reader:
            return reader.read()


def read_scene_labels(info: SceneInfo, root: Path, scene: Scene) -> tuple[np.ndarray, list[int]]:
    """Read a scene's labels on the cube's grid.

    Args:
        info: What is known of the scene.
        root: Folder that its files are relative to.
        scene: The scene.

    Returns:
        Class indices, int64, (H, W), 255 where there is no label or no data; and which of ``info.classes`` they count.

    Raises:
        ConfigError: If no label map is named.
        DataError: If it is missing or damaged, has another size, or an id outside the table.
    """
    if info.labels is None:
        raise ConfigError(f"{info.title}: labels=… is needed, the file of the label map")
    path = root / info.labels
    raw = read_label_map(path, key=info.labels_key)
    height, width = (side * info.label_scale for side in scene.shape)
    if raw.shape != (height, width):
        raise DataError(
            f"{path}: label map of {raw.shape[0]} x {raw.shape[1]} pixels, but {scene.cube.name} has "
            f"{scene.shape[0]} x {scene.shape[1]}" + (f" at label_scale={info.label_scale}" * (info.label_scale > 1))
        )
    labels = LabelTable(info.label_ids, info.classes, info.ignore_ids)(raw, str(path))
    labels = majority_labels(labels, info.label_scale, info.label_majority)
    labels[~scene.valid] = IGNORE_INDEX
    counts = np.bincount(labels[labels != IGNORE_INDEX], minlength=len(info.classes))
    kept = np.flatnonzero(counts >= info.min_class_pixels)
    renumbered = np.full(IGNORE_INDEX + 1, IGNORE_INDEX)
    renumbered[kept] = np.arange(len(kept))
    return renumbered[labels], kept.tolist()
