"""Pretraining without labels: from bands to the channels of the surroundings, everywhere in a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from mmengine.model import BaseModel
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..losses.regression import HuberLoss
from ..quiet_init import QuietInit

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class ChannelPrediction(QuietInit, BaseModel):
    """A network that keeps the resolution learns to make what :class:`mmhsi.datasets.transforms.SceneChannels` makes.

    Hidden pixels and bands can be guessed by smoothing; that needs no knowledge of materials, scales or texture. The
    words around a pixel, its profiles, and the texture of a finer source cannot (hand-made descriptors as targets of
    pretraining: C. Wei et al., MaskFeat, CVPR 2022, §3). No label is used. What the neck gives are the channels, in
    units of their standard deviations: features that a linear classifier reads, from bands alone, in any scene.

    Args:
        backbone: Config of a backbone whose finest map has the image's resolution, such as mmseg's ``UNet``.
        neck: Config of the neck from its maps to T channels, such as :class:`mmhsi.models.LevelProjection`, whose
            ``out_channels`` are T where they are left out.
        num_targets: T. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        target_mean: T means of the targets. Default: those of the training data.
        target_std: T standard deviations, likewise.
        clip: Scaled targets are clipped to ± this. Default 5.
        data_preprocessor: Config of the preprocessor, :class:`mmhsi.models.TilePreprocessor`.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If the targets are missing.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        num_targets: int | None = None,
        target_mean: Sequence[float] | None = None,
        target_std: Sequence[float] | None = None,
        clip: float = 5.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if num_targets is None:
            raise ConfigError(
                "ChannelPrediction: num_targets is missing; give data with targets and build the runner with "
                "build_runner(cfg)"
            )
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck, default_args=dict(out_channels=num_targets))
        for name, given, default in (("target_mean", target_mean, 0.0), ("target_std", target_std, 1.0)):
            values = [default] * num_targets if given is None else list(given)
            self.register_buffer(name, torch.tensor(values)[:, None, None])
        self.clip = clip
        self.loss_module = HuberLoss()

    def forward(self, inputs: Tensor, data_samples: list | None = None, mode: str = "tensor") -> Tensor | dict | list:
        """Run the algorithm.

        Args:
            inputs: Normalised images, shape (B, C, H, W).
            data_samples: Samples with ``gt_values`` (T, h, w), NaN where there is no data, for ``'loss'``.
            mode: ``'loss'`` for training; ``'predict'`` or ``'tensor'`` for the channels in units of their standard
                deviations, (B, T, H, W).

        Raises:
            ConfigError: If the mode is another one.
        """
        made = self.neck(self.backbone(inputs))[-1]
        if mode in ("predict", "tensor"):
            return made
        if mode != "loss":
            raise ConfigError(f"ChannelPrediction: mode={mode!r} is not offered, expected 'loss', 'predict', 'tensor'")
        found, wanted = [], []
        for image, sample in zip(made, data_samples or [], strict=True):
            truth = (sample.gt_values.data - self.target_mean) / self.target_std
            height, width = truth.shape[1:]  # what was padded has no targets
            found.append(image[:, :height, :width].flatten(1).T)
            wanted.append(truth.clamp(-self.clip, self.clip).flatten(1).T)
        return {"loss": self.loss_module(torch.cat(found), torch.cat(wanted))}
