"""A small scene as files, and its dataset."""

from dataclasses import fields

import numpy as np
import scipy.io

from mmhsi.datasets import SceneDataset, SceneInfo

FIELDS = {field.name for field in fields(SceneInfo)}
CLASSES = dict(classes=["a", "b"], label_ids=[3, 7])


def write_files(folder):
    """A 12 × 15 × 6 cube and its labels as .mat files, ids 0, 3 and 7."""
    rng = np.random.default_rng(0)
    cube = rng.integers(-50, 8000, (12, 15, 6)).astype(np.int16)
    labels = rng.choice([0, 3, 7], (12, 15)).astype(np.uint8)
    scipy.io.savemat(folder / "cube.mat", {"x": cube})
    scipy.io.savemat(folder / "gt.mat", {"y": labels})
    return folder, cube, labels


def dataset(root, **kwargs):
    """The files' dataset; fields of the scene and arguments of the dataset in place of the usual ones."""
    scene = dict(image="cube.mat", labels="gt.mat", **CLASSES)
    scene.update((key, kwargs.pop(key)) for key in list(kwargs) if key in FIELDS)
    return SceneDataset(**{**dict(scene=scene, data_root=root, window=5, subset="labeled"), **kwargs})
