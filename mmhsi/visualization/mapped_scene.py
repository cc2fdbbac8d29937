"""A scene with its class map and ground truth, in memory as far as pictures need it."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.datasets import LabelTable
from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.datasets.label_grid import grid_classes
from mmhsi.errors import DataError
from mmhsi.io import NO_LABEL, ClassMap, CubeInfo, CubeReader, open_label_map, read_class_map, read_label_map
from mmhsi.io.class_map_reader import named_ids
from mmhsi.io.false_colour import false_colour, rgb_band_indices
from mmhsi.io.placement import Grid
from mmhsi.io.vectors import is_vector
from mmhsi.progress import watched

from .map_figure import NO_DATA
from .map_frame import MapFrame
from .palette import default_palette

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PIXELS = 1500
VALUES_AT_A_TIME = 1 << 24

FilePath = str | os.PathLike[str]


@dataclass(frozen=True, eq=False)
class MappedScene:
    """What is drawn of a scene, thinned so that no side has more than some 1500 pixels.

    Attributes:
        picture: False colour, (h, w, 3) uint8; white where there is no data.
        classes: Predicted class ids, 255 where there is none, (h, w).
        truth: True class ids, (h, w), or None.
        step: Every how many-th row and column is kept.
        frame: Where the pixels lie, or None.
    """

    picture: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.integer]
    truth: npt.NDArray[np.integer] | None
    step: int
    frame: MapFrame | None = None


def mapped_scene(
    reader: CubeReader,
    class_map: ClassMap,
    truth: npt.NDArray[np.integer] | None = None,
    bands: Sequence[int] | None = None,
) -> MappedScene:
    """Read the three bands of a scene that are shown, some rows at a time, and thin everything alike.

    Args:
        reader: Open scene.
        class_map: Its map.
        truth: Its ground truth, class ids (H, W).
        bands: 0-based bands to show as red, green and blue, before those by wavelength. Default: by wavelength.

    Returns:
        Pictures of one size.

    Raises:
        ConfigError: If ``bands`` are not in the scene.
        DataError: If scene and map differ in size or the scene cannot be read.
    """
    info = reader.info
    height, width, count = info.shape
    if class_map.classes.shape != (height, width):
        raise DataError(f"{reader.path}: {height} x {width} pixels, its map has {class_map.classes.shape}")
    wavelengths = info.wavelengths if bands is None else None
    shown = list(rgb_band_indices(count, wavelengths, bands=bands, good_bands=info.good_bands))
    step = -(-max(height, width) // MOST_PIXELS)
    rows = step * max(1, VALUES_AT_A_TIME // (3 * width * step))
    thin = (slice(None, None, step), slice(None, None, step))
    data, valid = [], []
    for row in watched(range(0, height, rows), "reading the picture"):
        part = reader.read((row, 0, min(rows, height - row), width), shown)
        data.append(part.data[thin].copy())  # a view would keep all pixels in memory
        valid.append(part.valid()[thin].copy())
    known = np.concatenate(valid)
    picture = false_colour(np.concatenate(data), bands=(0, 1, 2), valid=known)
    picture[~known] = NO_DATA
    frame = MapFrame.of(Grid.of(info), step)
    return MappedScene(picture, class_map.classes[thin], None if truth is None else truth[thin], step, frame)


def read_truth(
    path: FilePath,
    scene: CubeInfo,
    names: Sequence[str],
    label_ids: Sequence[int] | None = None,
    ignore_ids: Sequence[int] | None = None,
    key: str | None = None,
    axes: str | None = None,
    field: str = "class",
    layer: str | None = None,
) -> npt.NDArray[np.uint8]:
    """Read a label map in the classes of a map.

    Args:
        path: Vector file, or label map, of the scene's size or finer by a whole factor; each pixel of the scene then
            has the class that more than half of its label pixels have.
        scene: What the scene's file says of itself.
        names: K class names.
        label_ids: Id of each class in the file. Default: those of the same names where the file names its classes, as
            maps and what ``mmhsi labels`` writes do, else 1 to K.
        ignore_ids: Ids that mean "no label". Default: 0, unless it is a class.
        key: Variable of a ``.mat`` or HDF5 file.
        axes: Axes of an array whose file does not name them.
        field: Field of the classes of a vector file. Default: ``class``.
        layer: Its layer, where it has several.

    Returns:
        Class ids 0..K-1, 255 where there is no label, (H, W).

    Raises:
        ConfigError: If names and ids differ in number.
        DataError: If it cannot be read, has an unknown id or name, or does not fit the scene.
    """
    named = {} if label_ids is not None or is_vector(path) else named_ids(path)
    unknown = sorted(named.keys() - set(names))
    if unknown:
        raise DataError(
            f"{path}: names class {unknown[0]!r}, the map {', '.join(names)}; --label-ids says which id each has"
        )
    spare = itertools.count(max(named.values(), default=0) + 1)  # of classes of the map that have no label
    ids = label_ids or (
        [named[name] if name in named else next(spare) for name in names] if named else range(1, len(names) + 1)
    )
    if ignore_ids is None:
        ignore_ids = () if 0 in ids else (0,)
    if is_vector(path):
        return draw_labels(path, Grid.of(scene), names, ids, ignore_ids, field, layer).labels.astype(np.uint8)
    return _on_grid(path, key, scene, LabelTable(ids, names, ignore_ids), axes)


def read_classes(path: FilePath, scene: CubeInfo, key: str | None = None, axes: str | None = None) -> ClassMap:
    """Read a class map with its names and colours, or a label map, whose ids but 0 become classes.

    Args:
        path: Map of mmhsi predict, or label map, which may be finer as in :func:`read_truth`.
        scene: What the scene's file says of itself.
        key: Variable of a ``.mat`` file.
        axes: Axes of an array whose file does not name them.

    Returns:
        The map; of a label map the names are ``class ID``, the colours :func:`default_palette`'s.

    Raises:
        DataError: If it cannot be read or does not fit the scene.
    """
    try:
        return read_class_map(path)
    except DataError:
        raw = read_label_map(path, key=key, axes=axes)  # which says what is wrong with a file that is neither
    ids = np.setdiff1d(np.unique(raw), [0, NO_LABEL]).tolist()
    names = [f"class {label}" for label in ids]
    return ClassMap(_on_grid(path, key, scene, LabelTable(ids, names), axes), names, default_palette(len(ids)))


def _on_grid(
    path: FilePath, key: str | None, scene: CubeInfo, table: LabelTable, axes: str | None = None
) -> npt.NDArray[np.uint8]:
    """Class ids on the scene's grid, of a label map of its size or finer by a whole factor, or with a place."""
    with open_label_map(path, key, axes) as reader:
        rows, columns = reader.info.shape[:2]
        scale = max(1, rows // scene.shape[0])
        if (rows, columns) != (scene.shape[0] * scale, scene.shape[1] * scale):
            scale = 1  # only its place can tell
        return grid_classes(reader, Grid.of(scene), table, scale).astype(np.uint8)
