"""Finds the clusters that a pretraining predicts, on its unlabelled scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.dist import broadcast
from mmengine.hooks import Hook

from mmhsi.datasets import SceneDataset
from mmhsi.errors import ConfigError
from mmhsi.models.selfsup import ChannelPrediction
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from mmengine.runner import Runner

MOST_PIXELS = 20_000
"""Pixels that clusters are found on, at most."""


@HOOKS.register_module()
class FitClustersHook(Hook):
    """Before training, fits a :class:`mmhsi.models.ChannelPrediction`'s clusters to pixels of the training data.

    A resumed checkpoint holds them. At most 20,000 pixels, drawn with the run's seed, are looked at; all processes take
    the clusters of the main one. It comes after :class:`FitPreprocessorHook`, whose statistics scale the pixels.
    """

    priority = "HIGH"

    def before_train(self, runner: Runner) -> None:
        """Fit.

        Raises:
            ConfigError: If the model or the data are others.
        """
        model, data = unwrap_model(runner), runner.train_dataloader.dataset
        if not isinstance(model, ChannelPrediction) or not isinstance(data, SceneDataset):
            raise ConfigError(
                f"FitClustersHook: {type(model).__name__} on {type(data).__name__} given, expected ChannelPrediction "
                "on a SceneDataset"
            )
        if model.targets is None or model.targets.fitted:
            return
        seed = runner.seed or 0
        draw = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(data), generator=draw)[:MOST_PIXELS].numpy()
        bands = data.cube.data.shape[2]
        values = torch.from_numpy(data.cube.data.reshape(-1, bands)[data.pixels[chosen]])
        device = model.targets.centres.device
        pixels, _ = model.data_preprocessor.prepare(values[None, None].to(device))
        model.targets.fit(pixels[0, 0, :, model.visible :], seed)
        for name in ("centres", "fitted"):
            broadcast(getattr(model.targets, name))
        runner.logger.info("Found %d partitions into clusters on %d pixels", len(model.targets.sizes), len(chosen))
