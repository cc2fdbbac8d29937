"""Pictures of what the model predicts in validation and test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from mmengine.structures import BaseDataElement, PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import DataLoader

from mmhsi.datasets import IGNORE_INDEX, SceneDataset
from mmhsi.errors import ConfigError
from mmhsi.registry import HOOKS
from mmhsi.visualization.hsi_visualizer import HSIVisualizer


@HOOKS.register_module()
class MapVisualizationHook(Hook):
    """Draws false colour, ground truth, prediction and errors of a few samples in validation and test.

    Tiles are drawn one picture each; samples are spread evenly over the data, and are always the same. For pixel
    classification there is one picture of the scene, with what was predicted for its validation or test pixels.
    Pictures go to the backends of the run's visualizer under ``val_…`` and ``test_…``, with the epoch (or iteration) as
    step, 0 in tests. With several processes the main one draws, of the tiles those that it has seen.

    mmseg's hook of this kind reads the image again as RGB, from a file that OpenCV opens.

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

    def before_val_epoch(self, runner: Runner) -> None:
        """Begin to count samples."""
        self._begin(runner, runner.val_dataloader)
        self.validations += 1

    def before_test_epoch(self, runner: Runner) -> None:
        """Begin to count samples."""
        self._begin(runner, runner.test_dataloader)

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw the chosen tiles of a batch, or note its pixels."""
        if self._is_due:
            self._take(runner, runner.val_dataloader, data_batch or {}, outputs or (), "val", training_step(runner))

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[BaseDataElement] | None = None,
    ) -> None:
        """Draw the chosen tiles of a batch, or note its pixels."""
        self._take(runner, runner.test_dataloader, data_batch or {}, outputs or (), "test", 0)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Draw the scene."""
        if self._is_due:
            self._draw_scene(runner, runner.val_dataloader.dataset, "val", training_step(runner))

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        """Draw the scene."""
        self._draw_scene(runner, runner.test_dataloader.dataset, "test", 0)

    @property
    def _is_due(self) -> bool:
        return (self.validations - 1) % self.interval == 0

    def _begin(self, runner: Runner, loader: DataLoader) -> None:
        if not isinstance(runner.visualizer, HSIVisualizer):
            raise ConfigError(
                "MapVisualizationHook: draws with visualizer=dict(type='HSIVisualizer', …), not with "
                f"{type(runner.visualizer).__name__}"
            )
        self.seen, self.scene_map = 0, None
        if isinstance(loader.dataset, SceneDataset):
            self.scene_map = np.full(loader.dataset.valid_pixels.shape, IGNORE_INDEX, dtype=np.int64)

    def _take(
        self,
        runner: Runner,
        loader: DataLoader,
        batch: dict,
        outputs: Sequence[BaseDataElement],
        phase: str,
        step: int,
    ) -> None:
        """Draw the chosen tiles of a batch, or note its pixels."""
        if self.scene_map is not None:
            rows, columns = (np.concatenate(batch[key]) for key in ("row", "column"))
            self.scene_map[rows, columns] = torch.cat([sample.pred_label for sample in outputs]).cpu().numpy()
            return
        total = len(loader.sampler)
        count = min(self.num_samples, total)
        chosen = {(2 * position + 1) * total // (2 * count) for position in range(count)}
        for offset, sample in enumerate(outputs):
            if self.seen + offset in chosen:
                runner.visualizer.add_datasample(
                    f"{phase}_{self.seen + offset}",
                    batch["inputs"][offset].permute(1, 2, 0).cpu().numpy(),
                    sample,
                    valid=batch["valid"][offset].cpu().numpy(),
                    step=step,
                )
        self.seen += len(outputs)

    def _draw_scene(self, runner: Runner, dataset: object, phase: str, step: int) -> None:
        """Draw what all processes predicted for the pixels of a scene."""
        if self.scene_map is None or not isinstance(dataset, SceneDataset):
            return
        prediction = torch.from_numpy(self.scene_map)
        all_reduce(prediction, "min")  # IGNORE_INDEX is above every class
        sample = SegDataSample(pred_sem_seg=PixelData(data=prediction[None]))
        if dataset.labels is not None:
            sample.gt_sem_seg = PixelData(data=torch.from_numpy(dataset.labels)[None])
        runner.visualizer.add_datasample(
            f"{phase}_scene", dataset.cube.data, sample, valid=dataset.valid_pixels, step=step
        )


def training_step(runner: Runner) -> int:
    """Iteration or epoch, whichever the training counts; a test has none and is not to set up a training.

    Args:
        runner: The run.
    """
    return runner.iter if isinstance(runner.train_loop, IterBasedTrainLoop) else runner.epoch
