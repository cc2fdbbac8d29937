"""Finds the last layer of a segmentor in closed form, on the features that its encoder already has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import broadcast, is_main_process
from mmengine.hooks import Hook
from torch import Tensor, nn
from torch.nn import functional as F

from mmhsi.arguments import check_sizes
from mmhsi.datasets import IGNORE_INDEX
from mmhsi.errors import ConfigError
from mmhsi.models.classical import LDA
from mmhsi.models.preprocessors import dihedral, symmetries, undo_dihedral
from mmhsi.registry import HOOKS

from ..unwrap import unwrap_model

if TYPE_CHECKING:
    from mmengine.runner import Runner

    from mmhsi.models import EncoderDecoder


@HOOKS.register_module()
class FitDiscriminantHook(Hook):
    """Before training, sets a segmentor's last 1×1 convolution to the linear discriminant analysis of what it is given.

    With few labels gradient descent overfits a head, and distorts the encoder to suit it; shrunk discriminant analysis
    (:class:`mmhsi.models.classical.LDA`) has no step or rate to choose. With a frozen backbone and
    ``NoOptimWrapperConstructor`` that is all the training; with an optimiser it goes on from there (linear probing,
    then fine-tuning: A. Kumar et al., ICLR 2022).

    Features are those of the training data as their pipeline gives them, once; with the model's ``tta`` their mean over
    the symmetries of an image. A run that is resumed has its head already. All processes take that of the main one.

    Args:
        most: Labelled pixels that are used at most, an equal share of every image, drawn with the run's seed.
            Default 50,000.

    Raises:
        ConfigError: If ``most`` is no number of pixels.
    """

    priority = "LOW"

    def __init__(self, most: int = 50_000) -> None:
        check_sizes("FitDiscriminantHook", most=most)
        self.most = most

    def before_train(self, runner: Runner) -> None:
        """Fit.

        Raises:
            ConfigError: If the model has no such convolution, or the training pixels have no label or a single class.
        """
        if runner.iter:
            return
        from mmhsi.models import EncoderDecoder  # not at the top: it brings mmseg's models

        model = unwrap_model(runner)
        last = model.decode_head.conv_seg if isinstance(model, EncoderDecoder) else None
        if not isinstance(last, nn.Conv2d) or last.kernel_size != (1, 1) or last.bias is None:
            raise ConfigError(
                f"FitDiscriminantHook: {type(model).__name__} given, expected an EncoderDecoder whose decode head ends "
                "in a 1 x 1 convolution, such as mmseg.FCNHead"
            )
        if is_main_process():
            features, labels = self._labelled(model, last, runner)
            analysis = LDA()
            analysis.learn(features, labels, last.out_channels, runner.seed or 0)
            with torch.no_grad():
                for parameter, fitted in zip((last.weight, last.bias), analysis.linear(), strict=True):
                    parameter.copy_(torch.from_numpy(fitted).view_as(parameter))
            runner.logger.info("Fitted the last layer to %d features of %d pixels", features.shape[1], len(labels))
        for values in (last.weight, last.bias):
            broadcast(values.data)

    def _labelled(self, model: EncoderDecoder, last: nn.Conv2d, runner: Runner) -> tuple[np.ndarray, np.ndarray]:
        """Features (n, F) float32 and classes (n,) of labelled pixels."""
        data = runner.train_dataloader.dataset
        draw = np.random.default_rng(runner.seed or 0)
        share = max(1, self.most // len(data))
        was_training = model.training
        model.eval()
        features, labels = [], []
        for index in range(len(data)):
            batch = model.data_preprocessor(pseudo_collate([data[index]]), training=False)
            sample = batch["data_samples"][0]
            if "gt_sem_seg" not in sample:  # data without labels
                continue
            truth = sample.gt_sem_seg.data[0].cpu().numpy()
            chosen = np.flatnonzero(truth.ravel() != IGNORE_INDEX)
            if len(chosen) > share:
                chosen = np.sort(draw.choice(chosen, share, replace=False))
            if len(chosen):
                maps = _features(model, last, batch["inputs"], truth.shape)
                features.append(maps[:, chosen].T.float().cpu().numpy())
                labels.append(truth.ravel()[chosen])
        model.train(was_training)
        if not labels:
            raise ConfigError("FitDiscriminantHook: no training pixel has a label")
        return np.concatenate(features), np.concatenate(labels).astype(np.int64)


@torch.no_grad()
def _features(model: EncoderDecoder, last: nn.Conv2d, image: Tensor, shape: tuple[int, int]) -> Tensor:
    """What the last layer is given of an image (1, C, H, W), at the resolution of its labels: (F, h · w)."""
    found: list[Tensor] = []
    handle = last.register_forward_pre_hook(lambda _, given: found.append(given[0]))
    try:
        elements = symmetries(*image.shape[2:]) if model.tta else (0,)
        total = torch.zeros((), device=image.device)
        for element in elements:
            model.decode_head(model.extract_feat(dihedral(image, element)))
            total = total + undo_dihedral(found.pop(), element)
    finally:
        handle.remove()
    maps = total / len(elements)
    finer = shape[0] > image.shape[2] or shape[1] > image.shape[3]  # labels than the image, which may be padded
    size = shape if finer else image.shape[2:]
    if maps.shape[2:] != size:
        maps = F.interpolate(maps, size, mode="bilinear", align_corners=model.align_corners)
    return maps[0, :, : shape[0], : shape[1]].flatten(1)
