"""A small scene as files, and its dataset."""

import os
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import scipy.io
import torch
from torch.utils.data import Dataset

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


class Windows(Dataset):
    """The windows of a scene's samples, for workers that cut them; with each the bytes that a worker has of its own.

    Of the mapping of the scene's values, as Linux lists it.
    """

    def __init__(self, scene: SceneDataset) -> None:
        self.scene = scene

    def __len__(self) -> int:
        return len(self.scene)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int, int]:
        window = torch.as_tensor(self.scene[index]["window"])
        mappings = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.M)[1:]
        (values,) = (one for one in mappings if one.splitlines()[0].endswith("/values.npy"))
        own = sum(map(int, re.findall(r"^(?:Private_Dirty|Anonymous): +(\d+) kB", values, re.M)))
        return window, os.getpid(), own
