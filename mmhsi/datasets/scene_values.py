"""One scene, values at some of its pixels, a window around each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmhsi.errors import DataError
from mmhsi.io.placement import Grid
from mmhsi.registry import DATASETS

from .grid_values import read_values
from .label_table import IGNORE_INDEX
from .scene_dataset import SceneDataset
from .targets import target_facts

if TYPE_CHECKING:
    from pathlib import Path

    from mmhsi.spec import InputSpec

    from .catalogue import SceneInfo
    from .replay import Replay
    from .scene import Scene

BLOCK = 16
"""Side in pixels of the blocks that the uncertainty of a figure is measured with, of a raster of values."""


@DATASETS.register_module()
class SceneValueDataset(SceneDataset):
    """Pixels of one scene with the values that a model is to predict there.

    Arguments are those of :class:`SceneDataset`; its ``scene`` names ``values`` and ``targets`` in place of labels and
    classes, such as ``dict(image='cube.tif', values='samples.gpkg', targets=['nitrogen'], units=['%'])``. To splits all
    pixels with a value are of one class.

    Attributes:
        values: float32, (H, W, T), NaN where nothing is known; None with ``subset='all'``.
    """

    values: np.ndarray | None = None

    def _read_truth(self, info: SceneInfo, root: Path, loaded: Scene) -> tuple[SceneInfo, list[int]]:
        """Read the values; a pixel that has one counts as labelled; arguments as for the base."""
        found = read_values(info, root, Grid.of(loaded.cube))
        values = np.where(loaded.valid[..., None], found.values, np.float32(np.nan))
        known = np.isfinite(values)
        for index, name in enumerate(found.targets):
            if not known[..., index].any():
                at = f"in any pixel of {loaded.cube.name} that holds data"
                raise DataError(f"{root / str(info.values)}: {name} has no value {at}")
        self.values, self.polygons = values, found.polygons
        self.labels = np.where(known.any(axis=2), 0, IGNORE_INDEX).astype(np.int64)
        known_one = replace(info, classes=("values",), label_ids=(1,), ignore_ids=(0,), palette=None)
        return replace(known_one, targets=found.targets), [0]

    def _describe(self, loaded: Scene, kept: list[int], protocol: str, replay: Replay) -> InputSpec:
        """The base's, with targets in place of classes."""
        spec = super()._describe(loaded, kept, protocol, replay)
        plain = replace(spec, classes=(), label_ids=(), ignore_ids=(), palette=None)
        if self.values is None:
            return plain
        pixels = self.pixels if self.split is None else self.split.train
        trained = self.values.reshape(-1, self.values.shape[2])[pixels]
        return replace(plain, targets=target_facts(trained, self.info.targets, self.info.units, self.info.title))

    def truth(self, row: np.ndarray, column: np.ndarray) -> dict[str, torch.Tensor]:
        """What is known of pixels; arguments as for :meth:`SceneDataset.truth`.

        Returns:
            ``value`` (B, T) float32, NaN where unknown, and ``group`` int64 (B,), what varies together; with
            ``subset='all'`` nothing.
        """
        if self.values is None:
            return {}
        return {
            "value": torch.from_numpy(self.values[row, column]),
            "group": torch.from_numpy(self._groups(row, column)),
        }

    def _groups(self, row: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Number of the feature, or of the block of a raster of values, that each pixel lies in, int64 (B,)."""
        if self.polygons is not None:
            return self.polygons[row, column].astype(np.int64)
        return row // BLOCK * self.scene.shape[1] + column // BLOCK

    def __getitem__(self, index: int) -> dict:
        """Cut one sample, as the base does, with ``value`` (T,) and ``group`` in place of a label."""
        sample = super().__getitem__(index)
        sample.pop("label", None)
        where = np.array([sample["row"]]), np.array([sample["column"]])
        return sample | {name: each[0] for name, each in self.truth(*where).items()}
