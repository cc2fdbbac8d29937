"""An epoch's last batch of a single pixel, from which batch normalisation has nothing to normalise."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import torch
from mmengine.logging import print_log
from torch.nn.modules.batchnorm import _BatchNorm

from mmhsi.errors import ConfigError
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.spec import InputSpec

if TYPE_CHECKING:
    from mmengine.config import Config
    from torch import nn
    from torch.utils.data import Dataset


def leave_out_single(cfg: Config, dataset: Dataset, model: nn.Module, processes: int = 1) -> None:
    """Leave out the last batch of every epoch where it is one pixel and the model cannot train on one.

    Which pixel is left out is another in every epoch, where the sampler shuffles. Models that can train on one do.

    Args:
        cfg: ``train_dataloader.drop_last`` is set in place.
        dataset: The training data.
        model: The model; it is not changed.
        processes: Among which the pixels are dealt out.

    Raises:
        ConfigError: If there is no other batch.
    """
    loader = cfg.train_dataloader
    batch, samples = loader.get("batch_size", 1), math.ceil(len(dataset) / processes)  # type: ignore[arg-type]
    if loader.get("drop_last") or "batch_sampler" in loader or samples % batch != (1 if batch > 1 else 0):
        return
    spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
    if spec is None or not isinstance(model, PixelClassifier) or not _needs_two(model, spec):
        return
    if samples == 1 or batch == 1:
        raise ConfigError(
            f"{cfg.filename}: train_dataloader: batches of one pixel, on which batch normalisation cannot train; give "
            "a batch_size of at least 2 and two training pixels"
        )
    loader.drop_last = True
    print_log(
        f"{samples} training pixels in batches of {batch} leave one over, on which batch normalisation cannot train: "
        "it is left out, another one in every epoch",
        logger="current",
    )


def _needs_two(model: PixelClassifier, spec: InputSpec) -> bool:
    """Whether a training step on one window is refused by batch normalisation; a copy is tried, without drawing."""
    if spec.window is None or not any(isinstance(module, _BatchNorm) for module in model.modules()):
        return False
    probe = copy.deepcopy(model).cpu().train()
    bands = getattr(model.backbone, "in_channels", None) or spec.num_bands
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            probe(torch.zeros(1, bands, *spec.window), mode="tensor")
        except ValueError as error:
            return "more than 1 value per channel" in str(error)
    return False
