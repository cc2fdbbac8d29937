"""Pictures of what the model predicts in validation and test."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.structures import BaseDataElement, PixelData
from mmseg.structures import SegDataSample

from mmhsi.datasets import IGNORE_INDEX, SceneDataset
from mmhsi.errors import ConfigError
from mmhsi.registry import HOOKS
from mmhsi.visualization.hsi_visualizer import HSIVisualizer
from mmhsi.visualization.selection import evenly_spread

if TYPE_CHECKING:
    from collections.abc import Sequence, Sized

    from torch.utils.data import DataLoader


@HOOKS.register_module()
class MapVisualizationHook(Hook):
    """Draws false colour, ground truth, prediction and errors of a few samples in validation and test.

    Tiles are drawn one picture each; samples are spread evenly over the data, and are always the same. For pixel
    classification there is one picture of the scene, with what was predicted for its validation or test pixels.
    Pictures go to the backends of the run's visualizer under ``val_…`` and ``test_…``, with the epoch (or iteration) as
    step, 0 in tests. With several processes the main one draws, of the tiles those that it has seen.

    mmseg's own hook cannot be used: it reads the image again, as RGB, with OpenCV.

    Args:
        num_samples: Tiles. Default 4, or all of a smaller data set.
        interval: Validations between two that are drawn, the first included. Default 1. Tests are always drawn.

    Raises:
        ConfigError: If an argument is below 1.
    """

    priority = "LOW"

    def __init__(self, num_samples: int = 4, interval: int = 1) -> None:
        if num_samples < 1 or interval < 1:
            raise ConfigError(
                f"MapVisualizationHook: num_samples={num_samples}, interval={interval} given, expected at least 1"
            )
        self.num_samples = num_samples
        self.interval = interval
        self.validations = 0
        self.seen = 0
        self.scene_map: np.ndarray | None = None

    def _before_epoch(self, runner: Runner, mode: str = "train") -> None:
        """Begin to count samples."""
        if mode == "train":
            return
        if not isinstance(runner.visualizer, HSIVisualizer):
            raise ConfigError(
                "MapVisualizationHook: draws with visualizer=dict(type='HSIVisualizer', …), not with "
                f"{type(runner.visualizer).__name__}"
            )
        self.validations += mode == "val"
        self.seen, self.scene_map = 0, None
        dataset = self._loader(runner, mode).dataset
        if isinstance(dataset, SceneDataset):
            self.scene_map = np.full(dataset.valid_pixels.shape, IGNORE_INDEX, dtype=np.int64)

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
        mode: str = "train",
    ) -> None:
        """Draw the chosen tiles of a batch, or note its pixels."""
        if self._is_due(mode):
            self._take(runner, data_batch or {}, outputs or (), mode)

    def _after_epoch(self, runner: Runner, mode: str = "train") -> None:
        """Draw what all processes predicted for the pixels of a scene."""
        if not self._is_due(mode) or self.scene_map is None:
            return
        dataset = cast("SceneDataset", self._loader(runner, mode).dataset)
        prediction = torch.from_numpy(self.scene_map)
        all_reduce(prediction, "min")  # IGNORE_INDEX is above every class
        sample = SegDataSample(pred_sem_seg=PixelData(data=prediction[None]))
        if dataset.labels is not None:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(dataset.labels)[None])
        runner.visualizer.add_datasample(
            f"{mode}_scene", dataset.cube.data, sample, valid=dataset.valid_pixels, step=training_step(runner, mode)
        )

    def _is_due(self, mode: str) -> bool:
        return mode == "test" or (mode == "val" and (self.validations - 1) % self.interval == 0)

    @staticmethod
    def _loader(runner: Runner, mode: str) -> DataLoader:
        return runner.val_dataloader if mode == "val" else runner.test_dataloader

    def _take(self, runner: Runner, batch: dict, outputs: Sequence[BaseDataElement], mode: str) -> None:
        if self.scene_map is not None:
            rows, columns = (np.asarray(batch[key]) for key in ("row", "column"))
            self.scene_map[rows, columns] = torch.cat([sample.pred_label for sample in outputs]).cpu().numpy()
            return
        chosen = evenly_spread(len(cast("Sized", self._loader(runner, mode).sampler)), self.num_samples)
        for offset, sample in enumerate(outputs):
            if self.seen + offset in chosen:
                runner.visualizer.add_datasample(
                    f"{mode}_{self.seen + offset}",
                    batch["inputs"][offset].permute(1, 2, 0).cpu().numpy(),
                    sample,
                    valid=batch["valid"][offset].cpu().numpy(),
                    step=training_step(runner, mode),
                )
        self.seen += len(outputs)


def training_step(runner: Runner, mode: str) -> int:
    """Iteration or epoch, whichever the training counts; 0 in a test, which is not to set up a training.

    Args:
        runner: The run.
        mode: ``'val'`` or ``'test'``.
    """
    if mode == "test":
        return 0
    return runner.iter if isinstance(runner.train_loop, IterBasedTrainLoop) else runner.epoch
