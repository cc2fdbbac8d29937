"""Predictions of any origin, scored on the test pixels of a split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.datasets.label_grid import grid_classes
from mmhsi.datasets.label_table import IGNORE_INDEX, LabelTable
from mmhsi.datasets.scene_dataset import SceneDataset
from mmhsi.datasets.tile_dataset import TileDataset
from mmhsi.datasets.transforms.loading import read_classes
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import open_cube, open_label_map, read_class_map
from mmhsi.io.class_map_reader import named_ids
from mmhsi.io.placement import Grid
from mmhsi.io.vectors import is_vector

from .confusion import ConfusionMatrix

if TYPE_CHECKING:
    from os import PathLike

    from torch.utils.data import Dataset

    from mmhsi.spec import InputSpec

SUFFIXES = (".tif", ".tiff", ".npy", ".png", ".mat", ".csv", ".gpkg")
"""Files that are looked for in a folder of predictions, in this order."""


def read_prediction(path: str | PathLike[str], grid: Grid, spec: InputSpec) -> np.ndarray:
    """Read predicted classes of a scene's pixels.

    Args:
        path: A class map with names, as ``mmhsi predict`` writes it, whose names say what its numbers mean; any other
            label map, whose numbers are the scene's label ids; or a table of points (columns ``row``, ``column``,
            ``class``: a name or an id) or another vector file.
        grid: The scene's pixels.
        spec: Classes and ids of the scene.

    Returns:
        Class indices, int64, (H, W); 255 where nothing is predicted.

    Raises:
        DataError: If the file cannot be read, lies elsewhere, or has another class than the scene.
    """
    if is_vector(path):
        return draw_labels(path, grid, spec.classes, spec.label_ids, spec.ignore_ids).labels
    names, table = spec.classes, LabelTable(spec.label_ids, spec.classes, spec.ignore_ids, spec.ignore_others)
    named = read_class_map(path) if named_ids(path) else None
    # `mmhsi classify` names the classes of a label raster without names by their numbers, which say no more than these.
    if named is not None and named.names != [f"class {label}" for label in named.ids]:
        names, table = tuple(named.names), LabelTable(named.ids, named.names, ())
    unknown = sorted(set(names) - set(spec.classes))
    if unknown:
        raise DataError(f"{path}: names class {unknown[0]!r}; the scene has {', '.join(spec.classes)}")
    with open_label_map(path) as reader:
        found = grid_classes(reader, grid, table)
    index = np.full(IGNORE_INDEX + 1, IGNORE_INDEX, dtype=np.int64)
    index[: len(names)] = [spec.classes.index(name) for name in names]
    return index[found]


def score(path: str | PathLike[str], dataset: Dataset) -> ConfusionMatrix:
    """Count predictions against the labels of a data set's test pixels.

    Args:
        path: Of a scene: as for :func:`read_prediction`. Of tiles: a folder with such a file for every tile, named
            after the tile's.
        dataset: Its test subset, a :class:`mmhsi.datasets.SceneDataset` or, with whole tiles, a
            :class:`mmhsi.datasets.TileDataset`.

    Returns:
        The confusion matrix of all test pixels.

    Raises:
        ConfigError: If the data set is of another kind or has no labels.
        DataError: If a test pixel has no prediction, or :func:`read_prediction` refuses a file.
    """
    if isinstance(dataset, SceneDataset) and dataset.labels is not None:
        found = read_prediction(path, Grid.of(dataset.cube), dataset.spec)
        truth = np.full(found.shape, IGNORE_INDEX, dtype=np.int64)
        truth.ravel()[dataset.pixels] = dataset.labels.ravel()[dataset.pixels]
        return _counted(path, truth, found, dataset.spec.num_classes)
    if not isinstance(dataset, TileDataset):
        raise ConfigError(f"{type(dataset).__name__} has no test pixels to score; expected SceneDataset or TileDataset")
    matrices = []
    for index in range(len(dataset)):
        entry = dataset.get_data_info(index)
        if "seg_map_path" not in entry or entry.get("window") or entry.get("turns"):
            raise ConfigError(
                "predictions of tiles are scored on whole tiles with labels, this data set cuts its tiles"
            )
        file = _of_tile(Path(path), Path(entry["img_path"]).stem)
        with open_cube(entry["img_path"]) as cube:
            found = read_prediction(file, Grid.of(cube.info), dataset.spec)
        matrices.append(_counted(file, read_classes(entry), found, dataset.spec.num_classes))
    return sum(matrices[1:], matrices[0])


def _of_tile(folder: Path, stem: str) -> Path:
    """The file of predictions of a tile."""
    if not folder.is_dir():
        raise DataError(f"{folder}: not a folder; predictions of tiles are a folder with a file for every tile")
    found = next((folder / (stem + suffix) for suffix in SUFFIXES if (folder / (stem + suffix)).is_file()), None)
    if found is None:
        raise DataError(
            f"{folder}: has no predictions of tile {stem}; expected {stem}.tif, or {', '.join(SUFFIXES[2:])}"
        )
    return found


def _counted(path: object, truth: np.ndarray, found: np.ndarray, classes: int) -> ConfusionMatrix:
    missing = (truth != IGNORE_INDEX) & (found == IGNORE_INDEX)
    if missing.any():
        row, column = np.argwhere(missing)[0]
        raise DataError(
            f"{path}: {missing.sum()} of {(truth != IGNORE_INDEX).sum()} test pixels have no prediction, the first at "
            f"row {row}, column {column}"
        )
    return ConfusionMatrix.from_labels(truth, found, classes)
