"""Points that `mmhsi suggest` chooses beside random ones: how many labels reach an accuracy, on three scenes.

Half of the labelled pixels, drawn at random, stand for the person who labels: a point that is asked for gets its label
from them. The other half measures the map. Both sides begin with the same random points and add as many a round; extra
trees learn from channels of the scene that were computed once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import rasterio
from rasterio.crs import CRS
from side_by_side import pin_threads, replace_block
from sklearn.ensemble import ExtraTreesClassifier

from mmhsi.datasets import SceneDataset
from mmhsi.inference.suggestion import suggest_pixels
from mmhsi.io import HSICube, write_cube

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGIN, STEP, MOST = 20, 10, 300
"""Points at the beginning, of a round, in all."""
SEEDS = 5
TREES = 100
GROUPS = ("spectra", "emp", "ms", "nemp", "words")
RULES = ("random", "suggest")


class Labelled(NamedTuple):
    """Labelled pixels of a scene, N of them.

    Attributes:
        spectra: What `mmhsi suggest` sees of them, (N, C).
        channels: What the classifier sees, (N, F).
        places: (row, column) of each, (N, 2).
        classes: (N,).
    """

    spectra: np.ndarray
    channels: np.ndarray
    places: np.ndarray
    classes: np.ndarray


def potsdam(root: Path, folder: Path) -> dict:
    """The tiles of EnMAP Potsdam joined to one scene again."""
    source = root / "enmap_potsdam"
    with rasterio.open(source / "enmap_landcover_unstyled.tif") as labels:
        shape, transform, crs = labels.shape, labels.transform, CRS.from_user_input(labels.crs)
    mosaic = np.full((*shape, 224), -32768, np.float32)
    for tile in sorted((source / "images").glob("*.tif")):
        column, row = (int(word) for word in tile.stem.split("_")[-2:])
        with rasterio.open(tile) as image:
            mosaic[row : row + image.height, column : column + image.width] = image.read().transpose(1, 2, 0)
            good = np.array([image.tags(band)["bbl"] != "0" for band in image.indexes])
    path = folder / "potsdam.tif"
    write_cube(path, HSICube(mosaic, good_bands=good, nodata=-32768, crs=crs, transform=transform))
    classes = ["roof", "pavement", "low vegetation", "tree", "soil", "water"]
    labelled = str((source / "enmap_landcover_unstyled.tif").resolve())
    bad = tuple(int(band) for band in np.flatnonzero(~good))
    return dict(image=str(path), labels=labelled, classes=classes, label_ids=range(1, 7), bad_bands=bad)


def read(scene: str | dict, root: str, second: bool) -> Labelled:
    """The labelled pixels of a scene."""
    groups = [*GROUPS, *["texture"] * second]
    options = dict(scene=scene, data_root=root, window=1, subset="labelled", use_second=second)
    plain = SceneDataset(**options)  # type: ignore[arg-type]
    made = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=groups)])  # type: ignore[arg-type]
    width = plain.scene.shape[1]
    flat = (data.scene.cube.data.reshape(-1, data.scene.cube.data.shape[2])[plain.pixels] for data in (plain, made))
    spectra, channels = (values.astype(np.float32) for values in flat)
    places = np.stack(np.divmod(np.asarray(plain.pixels), width), axis=1)
    return Labelled(spectra, channels, places, plain.labels.ravel()[plain.pixels])  # type: ignore[union-attr]


def curve(data: Labelled, rule: str, seed: int) -> list[float]:
    """Accuracy after every round."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.classes))
    pool, test = order[: len(order) // 2], order[len(order) // 2 :]
    chosen = [int(index) for index in pool[:BEGIN]]
    accuracies = []
    while True:
        trees = ExtraTreesClassifier(TREES, random_state=seed, n_jobs=1)
        trees.fit(data.channels[chosen], data.classes[chosen])
        accuracies.append(float((trees.predict(data.channels[test]) == data.classes[test]).mean()))
        if len(chosen) >= MOST:
            return accuracies
        left = np.setdiff1d(pool, chosen)
        if rule == "random":
            picked = rng.choice(len(left), STEP, replace=False)
        else:
            shares = trees.predict_proba(data.channels[left])
            doubt = -(shares * np.log(np.maximum(shares, 1e-30))).sum(axis=1) / np.log(max(2, shares.shape[1]))
            picked = STRATEGIES[rule](data, left, doubt, shares, seed, chosen)
        chosen += [int(index) for index in left[picked]]
