"""Pretraining of any backbone without labels: predict the channels of a pixel's surroundings from its window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhsi.arguments import check_number, check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from ..classifiers import feature_width
from ..quiet_init import QuietInit
from ..rng import BatchRNG
from .cluster_targets import ClusterTargets

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class ChannelPrediction(QuietInit, BaseModel):
    """A backbone sees windows of bands and predicts what :class:`mmhsi.datasets.transforms.SceneChannels` made of them.

    A pixel's hidden neighbours can be guessed by smoothing; that needs no knowledge of materials, scales or texture.
    Channels cannot: to predict the words around a pixel, its profiles, or the texture of a finer source, a network has
    to learn what makes simple classifiers good (hand-made descriptors as the targets of masked pretraining: C. Wei et
    al., MaskFeat, CVPR 2022, §3). No label is used, and after it the backbone takes windows of bands alone.

    The data's last ``targets`` columns are predicted at the window's centre, and the backbone sees the others. Two
    losses, by maps of one hidden layer: smooth L1 of the channels, and the mean cross-entropy of clusters of them found
    by k-means (M. Caron et al., DeepCluster, ECCV 2018; several partitions, K. Hsu et al., CACTUs, ICLR 2019), which
    :class:`mmhsi.engine.FitClustersHook` fits to the scene before training.

    Args:
        backbone: Config of any backbone from (B, C, h, w) to maps; its ``in_channels``, which the data fill in, count
            the targets too, and it is built for those that are left.
        neck: Config of the neck that makes features of the maps, e.g. :class:`mmhsi.models.CenterContext`.
        targets: Columns that are predicted.
        hidden: Width of the hidden layer. Default 256.
        clusters: Clusters of each partition; none: channels alone. Default 12, 24, 48, 96, twice.
        weight: Of the clusters' loss. Default 0.5.
        gain: Standard deviation of the factor of a window that is seen. Default 0.1.
        noise: Standard deviation of noise on what is seen. Default 0.05.
        data_preprocessor: Config of the preprocessor.
        init_cfg: mmengine's initialisation.

    Raises:
        ConfigError: If ``in_channels`` is missing or leaves nothing to see, the features' width is not known, or a
            number cannot work.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict,
        targets: int,
        hidden: int = 256,
        clusters: Sequence[int] = (12, 24, 48, 96, 12, 24, 48, 96),
        weight: float = 0.5,
        gain: float = 0.1,
        noise: float = 0.05,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        check_sizes("ChannelPrediction", targets=targets, hidden=hidden)
        given = backbone.get("in_channels")
        if given is None or given <= targets:
            raise ConfigError(
                f"ChannelPrediction: backbone.in_channels={given} of which targets={targets} are predicted, nothing is "
                "left to see; the data's transforms make both (SceneChannels with spectra first)"
            )
        self.visible = given - targets
        self.backbone = MODELS.build(dict(backbone, in_channels=self.visible))
        self.neck = MODELS.build(neck)
        width = feature_width(self.backbone, self.neck)
        if width is None:
            raise ConfigError(
                f"ChannelPrediction: the width of {type(self.neck).__name__} on {type(self.backbone).__name__} is not "
                "known; give the backbone out_channels"
            )
        self.weight = check_number("ChannelPrediction", "weight", weight, low=0)
        self.gain = check_number("ChannelPrediction", "gain", gain, low=0)
        self.noise = check_number("ChannelPrediction", "noise", noise, low=0)
        self.body = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU())
        self.predict_channels = nn.Linear(hidden, targets)
        self.targets = ClusterTargets(targets, clusters) if clusters else None
        self.predict_clusters = nn.Linear(hidden, sum(clusters)) if clusters else None
        self.data_preprocessor.with_valid = True
        self.data_preprocessor.with_rng = True

    def features(self, seen: Tensor) -> Tensor:
        """Features of windows, (B, hidden).

        Args:
            seen: Columns that may be seen, shape (B, V, h, w).
        """
        return self.body(self.neck(self.backbone(seen))[-1])

    def forward(
        self,
        inputs: Tensor,
        data_samples: list | None = None,
        valid: Tensor | None = None,
        rng: BatchRNG | None = None,
        mode: str = "tensor",
    ) -> dict[str, Tensor] | tuple[Tensor, ...] | Tensor:
        """Run the algorithm.

        Args:
            inputs: Normalised windows, shape (B, V + T, h, w), of odd sides.
            data_samples: Ignored; part of mmengine's interface.
            valid: Pixels that hold data, bool (B, h, w); None if all do.
            rng: What training draws from. Default: torch's own generators.
            mode: ``'loss'`` for training, ``'predict'`` for the channels at the centre, (B, T), ``'tensor'`` for the
                backbone's maps.
        """
        seen = inputs[:, : self.visible]
        if mode == "tensor":
            return self.backbone(seen)
        if mode == "predict":
            return self.predict_channels(self.features(seen))
        if mode == "loss":
            return self.loss(inputs, valid, rng)
        raise ConfigError(f"ChannelPrediction: mode={mode!r} is not offered, expected 'loss', 'predict', 'tensor'")

    def loss(self, inputs: Tensor, valid: Tensor | None = None, rng: BatchRNG | None = None) -> dict[str, Tensor]:
        """Both losses, over the windows whose centre holds data.

        Args:
            inputs: Shape (B, V + T, h, w).
            valid: Shape (B, h, w), bool, or None.
            rng: What to draw from. Default: torch's own generators.
        """
        rng = rng or BatchRNG(len(inputs), inputs.device)
        height, width = inputs.shape[2:]
        centre = height // 2, width // 2
        seen, wanted = inputs[:, : self.visible], inputs[:, self.visible :, centre[0], centre[1]].float()
        seen = seen * (1 + self.gain * rng.normal(1, 1, 1)) + self.noise * rng.normal(*seen.shape[1:])
        features = self.features(seen)
        holds = torch.ones_like(wanted[:, 0]) if valid is None else valid[:, centre[0], centre[1]].to(wanted.dtype)
        total = holds.sum().clamp(min=1)
        error = F.smooth_l1_loss(self.predict_channels(features).float(), wanted, reduction="none").mean(dim=1)
        losses = {"loss_channels": (error * holds).sum() / total}
        if self.targets is not None and self.predict_clusters is not None:
            parts = self.predict_clusters(features).float().split(self.targets.sizes, dim=1)
            numbers = self.targets(wanted).unbind(dim=1)
            each = [F.cross_entropy(*pair, reduction="none") for pair in zip(parts, numbers, strict=True)]
            losses["loss_clusters"] = self.weight * (torch.stack(each).mean(dim=0) * holds).sum() / total
        return losses
