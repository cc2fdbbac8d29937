"""Frozen features of a pretrained backbone, with labels where there are some."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from mmhsi.config_files import load_config, read_window
from mmhsi.datasets import IGNORE_INDEX, CorpusDataset, SceneDataset, TileDataset, collate_pixels
from mmhsi.engine.device import choose_device
from mmhsi.engine.fitted_transforms import with_fitted_channels
from mmhsi.engine.numbers import resolve_numbers
from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors import BandPreprocessor, attach_scenes, fit_preprocessor
from mmhsi.models.weights import checkpoint_spec, load_weights, read_checkpoint
from mmhsi.progress import watched
from mmhsi.registry import DATASETS, MODELS
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mmengine.config import Config

VALUES = 1 << 24
"""Of the tiles that are computed at a time."""


class FeatureSet(NamedTuple):
    """Patch tokens that have a label.

    Attributes:
        features: Shape (n, d), float32.
        labels: Classes, shape (n,), int64.
        tiles: Which tile each comes from, shape (n,), int64; None where every one has a window of its own.
    """

    features: np.ndarray
    labels: np.ndarray
    tiles: np.ndarray | None


def patch_labels(labels: Tensor, grid: tuple[int, int], patch_size: int) -> Tensor:
    """Give every patch the class of most of its pixels.

    Args:
        labels: Classes 0..254 or 255 for none, shape (H, W).
        grid: (h, w) of the patches.
        patch_size: p.

    Returns:
        Shape (h · w,): the most frequent class where it covers at least half of the patch, else 255.
    """
    height, width = grid
    padded = F.pad(
        labels, (0, width * patch_size - labels.shape[1], 0, height * patch_size - labels.shape[0]), value=IGNORE_INDEX
    )
    cells = padded.view(height, patch_size, width, patch_size).transpose(1, 2).flatten(2).flatten(0, 1)
    counts = F.one_hot(cells.long(), IGNORE_INDEX + 1)[:, :, :IGNORE_INDEX].sum(1)
    most, classes = counts.max(dim=1)
    return torch.where(2 * most >= patch_size**2, classes, torch.full_like(classes, IGNORE_INDEX))


class FeatureExtractor:
    """A config's backbone and preprocessor with a checkpoint's weights.

    Args:
        config: Config whose model has ``data_preprocessor`` and ``backbone``: of pretraining or of fine-tuning.
        checkpoint: Weights; the band statistics are taken from it too, unless it was trained on several sensors. None:
            an untrained network, for comparison, with the statistics of the config's training data.
        prefix: Where the backbone is in it. Default ``'backbone.'``.
        device: Torch device. Default: a GPU where there is one.

    Raises:
        ConfigError: If the checkpoint does not fit or lacks band statistics, or the device cannot be used.
        FileFormatError: If the checkpoint cannot be read.
    """

    def __init__(
        self,
        config: str | Path | Config,
        checkpoint: str | Path | None,
        prefix: str = "backbone.",
        device: str | None = None,
    ) -> None:
        self.cfg = load_config(config)
        self.device = choose_device(device)
        # No head is built: a pretraining's data may name other classes.
        model = {name: copy.deepcopy(self.cfg.model[name]) for name in ("backbone", "data_preprocessor")}
        model["backbone"].pop("init_cfg", None)
        whole = None if checkpoint is None else read_checkpoint(checkpoint)
        spec: InputSpec | None = None
        if whole is not None and whole["meta"].get("dataset_meta"):
            spec, source = checkpoint_spec(whole, str(checkpoint)), f"checkpoint {checkpoint}"
        # After a corpus of several sensors, bands and statistics are those of the config's data.
        of_many = spec is not None and bool(spec.sensors)
        self._fitted: InputSpec | None = None if of_many else spec
        if spec is None or of_many:
            data = self.dataset("train_dataloader")
            spec, source = InputSpec.of_metainfo(getattr(data, "metainfo", None)), "train_dataloader.dataset"
            self._fitted = spec
        with DefaultScope.overwrite_default_scope("mmhsi"):
            if spec is not None:
                resolve_numbers(model, spec, source, self.cfg.filename, read_window(self.cfg))
            self.backbone: nn.Module = MODELS.build(model["backbone"])
            self.preprocessor: BandPreprocessor = MODELS.build(model["data_preprocessor"])
        if checkpoint is not None:
            load_weights(self.backbone, checkpoint, prefix)
        if whole is None or checkpoint is None or of_many:
            fit_preprocessor(self.preprocessor, data)
        else:
            if "data_preprocessor.mean" not in whole["state_dict"]:
                raise ConfigError(f"checkpoint {checkpoint}: has no band statistics (data_preprocessor.mean)")
            load_weights(self.preprocessor, checkpoint, "data_preprocessor.")
        self.backbone.to(self.device).eval()
        self.preprocessor.to(self.device).eval()

    def dataset(self, loader: str, **changes: object) -> SceneDataset | TileDataset | CorpusDataset:
        """Build a loader's dataset with the pipeline of the test, which changes nothing at random.

        Channels of surroundings are as they were fitted in training.

        Args:
            loader: ``'train_dataloader'`` or ``'test_dataloader'``.
            changes: Arguments of the dataset in place of the config's.

        Raises:
            ConfigError: If the config has no such loader.
        """
        if self.cfg.get(loader) is None:
            raise ConfigError(f"the config has no {loader}")
        settings = {**self.cfg[loader].dataset, **changes}
        test = self.cfg.get("test_dataloader")
        if "pipeline" in settings and test is not None:
            settings["pipeline"] = test.dataset.pipeline
        if self._fitted is not None:
            settings = with_fitted_channels(settings, self._fitted, f"{loader}.dataset")
        with DefaultScope.overwrite_default_scope("mmhsi"):
            return DATASETS.build(settings)

    @torch.inference_mode()
    def batches(self, dataset: Dataset, batch_size: int) -> Iterator[tuple[dict, Tensor]]:
        """Give preprocessed batches and the last map (B, d, h, w) of each, in the dataset's order.

        Args:
            dataset: Of the kind that the config trains on.
            batch_size: Samples B at a time.

        Raises:
            ConfigError: If the config's samples are several views, as for self-distillation.
        """
        attach_scenes(self.preprocessor, dataset)
        loader = DataLoader(dataset, batch_size, collate_fn=collate_pixels)
        for data in watched(loader, "computing features"):
            batch = self.preprocessor(data, training=False)
            if not isinstance(batch["inputs"], Tensor):
                raise ConfigError("the config's samples are several views; give the config of fine-tuning beside it")
            yield batch, self.backbone(batch["inputs"])[-1].float()

    def labelled(self, dataset: Dataset, batch_size: int | None = None) -> FeatureSet:
        """Features and classes of a dataset: of window centres, or of the patches of tiles.

        Args:
            dataset: From :meth:`dataset`, or a part of it; windows give the token at their centre, tiles every token
                of which one class covers at least half.
            batch_size: Windows or tiles at a time. Default: 256, of tiles no more than hold 2**24 values.

        Raises:
            ConfigError: If the dataset has no labels.
        """
        if batch_size is None:
            spec = dataset.spec if isinstance(dataset, TileDataset) else None
            values = 1 if spec is None else math.prod(spec.window or ()) * spec.num_bands
            batch_size = max(1, min(256, VALUES // values))
        features, labels, counts = [], [], []
        for batch, maps in self.batches(dataset, batch_size):
            samples = batch["data_samples"]
            if samples is None:
                raise ConfigError("the dataset has no labels; give a config of fine-tuning")
            grid = (maps.shape[2], maps.shape[3])
            for sample, tokens in zip(samples, maps, strict=True):
                if "gt_label" in sample:
                    features.append(tokens[:, grid[0] // 2, grid[1] // 2][None].clone())  # a view keeps the map
                    labels.append(sample.gt_label)
                    continue
                truth = sample.gt_sem_seg.data.squeeze(0)
                found = patch_labels(truth, grid, -(-truth.shape[0] // grid[0]))
                kept = found != IGNORE_INDEX
                features.append(tokens.flatten(1).T[kept])
                labels.append(found[kept])
                counts.append(int(kept.sum()))
        tiles = np.repeat(np.arange(len(counts)), counts) if counts else None
        return FeatureSet(torch.cat(features).cpu().numpy(), torch.cat(labels).cpu().numpy().astype(np.int64), tiles)
