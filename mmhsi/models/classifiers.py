"""Classification of the centre pixel of a window."""

from __future__ import annotations

import torch
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.models.necks import GlobalAveragePooling
from torch import Tensor, nn

from mmhsi.registry import MODELS

from .dense import POOLS, dense_scores
from .freezing import FreezableBackbone
from .necks import CenterContext, LearnableAggregation
from .preprocessors import ScenePreprocessor, dihedral, symmetries
from .protocols import CentreBackbone, DenseBackbone

FEATURES_PER_CHANNEL: dict[type, int] = {CenterContext: 2, LearnableAggregation: 1, GlobalAveragePooling: 1}
"""What necks make of every channel of the last map."""

WORTH_IT = 2
"""Times as many pixels as the image that holds them all the windows of a batch must have to be passed as that image."""


def in_float32(_: nn.Module, __: tuple, scores: Tensor) -> Tensor:
    """What a head gives, for its loss: mmpretrain's computes some, label smoothing's, in the scores' precision.

    Args:
        _: The head.
        __: Its arguments.
        scores: Shape (B, K).
    """
    return scores.float()


def feature_width(backbone: nn.Module, neck: nn.Module) -> int | None:
    """Channels that a neck gives a head; None where the backbone or the neck does not tell.

    Args:
        backbone: With ``out_channels``, the channels of its last map; of this package's, ``embed_dims`` does too.
        neck: The neck.
    """
    channels = getattr(backbone, "out_channels", None)
    if channels is None and type(backbone).__module__.startswith("mmhsi."):
        channels = getattr(backbone, "embed_dims", None)
    factor = FEATURES_PER_CHANNEL.get(type(neck))
    return channels * factor if isinstance(channels, int) and factor is not None else None


@MODELS.register_module()
class PixelClassifier(FreezableBackbone, ImageClassifier):
    """mmpretrain's classifier, which can average its scores over the symmetries of a window.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, e.g. mmpretrain's ``GlobalAveragePooling``.
        head: Config of the head, e.g. mmpretrain's ``LinearClsHead``; ``in_channels`` are those of
            :func:`feature_width`, where that is known and they are left out.
        tta: Whether prediction averages the softmax scores over the quarter turns and flips of the window (8 for
            square windows, 4 else), at that many times the cost. Default False.
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        data_preprocessor: Config of the preprocessor, e.g. :class:`mmhsi.models.ScenePreprocessor`.
        init_cfg: mmengine's initialisation.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        head: dict | None = None,
        tta: bool = False,
        frozen: bool = False,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        # Built here, because mmpretrain would add options of its own preprocessor to the config.
        preprocessor = None if data_preprocessor is None else MODELS.build(data_preprocessor)
        super().__init__(backbone, neck=neck, data_preprocessor=preprocessor, init_cfg=init_cfg)
        if head is not None:
            width = feature_width(self.backbone, self.neck) if self.with_neck else None
            self.head = MODELS.build(head, default_args=None if width is None else dict(in_channels=width))
            self.head.register_forward_hook(in_float32)
        self.tta = tta
        if frozen:
            self.freeze_backbone()

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Class scores of windows.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).

        Returns:
            Softmax scores, shape (B, K).
        """
        single = inputs.shape[2] == inputs.shape[3] == 1  # which looks the same from all sides
        elements = symmetries(*inputs.shape[2:]) if self.tta and not single else (0,)
        scores = [self(dihedral(inputs, element), mode="tensor").float().softmax(dim=1) for element in elements]
        return torch.stack(scores).mean(dim=0)

    def seen_window(self, window: tuple[int, int]) -> tuple[int, int]:
        """The part of a window that its scores depend on: one pixel where the backbone sees the centre alone.

        Args:
            window: (h, w) in pixels.
        """
        centred = not self.tta or (window[0] % 2 and window[1] % 2)  # else the symmetries have other centres
        return (1, 1) if isinstance(self.backbone, CentreBackbone) and centred else window

    def takes_rows(self, window: tuple[int, int]) -> bool:
        """Whether :meth:`predict_rows` can take the place of :meth:`predict_scores`.

        Args:
            window: (h, w) in pixels.
        """
        backbone = self.backbone
        if not isinstance(backbone, DenseBackbone) or not self.with_neck or type(self.neck) not in POOLS:
            return False
        return backbone.is_unpadded and min(window) > 2 * backbone.reach

    def predict_rows(self, image: Tensor, window: tuple[int, int]) -> Tensor:
        """Class scores of all pixels that have a whole window within an image, each layer computed once a pixel.

        They equal those of :meth:`predict_scores` on every window but for rounding (1e-5).

        Args:
            image: Normalised, shape (1, C, H, W).
            window: (h, w) in pixels, for which :meth:`takes_rows` holds.

        Returns:
            Softmax scores, shape (K, H − h + 1, W − w + 1).
        """
        backbone = self.backbone
        assert isinstance(backbone, DenseBackbone)  # as takes_rows says
        return dense_scores(backbone, self.neck, self._classify, image, window, self.tta)

    def _classify(self, features: Tensor) -> Tensor:
        """Logits (n, K) of features (n, F), as :meth:`forward` has them after the neck."""
        return self.head((features,)) if self.with_head else features

    def val_step(self, data: dict) -> list:
        """Predict a batch, each in the cheapest of the ways that give the same scores.

        Args:
            data: As the preprocessor takes it.

        Returns:
            As :meth:`predict` gives them.
        """
        preprocessor = self.data_preprocessor
        if not isinstance(preprocessor, ScenePreprocessor) or "scene" not in data:
            return super().val_step(data)
        window = (data["size"][0], data["size"][1])
        if self.takes_rows(window) and "label" in data:
            found = preprocessor.around(data, len(data["row"]) * window[0] * window[1] / WORTH_IT)
            if found is not None:
                image, rows, columns = found
                return with_scores(
                    preprocessor.samples(data) or [], self.predict_rows(image, window)[:, rows, columns].T
                )
        return super().val_step({**data, "size": self.seen_window(window)})

    def test_step(self, data: dict) -> list:
        """Predict a batch, as :meth:`val_step` does; arguments as for :meth:`val_step`."""
        return self.val_step(data)

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Predict a batch.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
            data_samples: mmpretrain's samples, one a window.

        Returns:
            The samples with ``pred_score`` (K,) and ``pred_label`` (1,) set.
        """
        return with_scores(data_samples, self.predict_scores(inputs))


def with_scores(samples: list, scores: Tensor) -> list:
    """Samples with ``pred_score`` (K,) and ``pred_label`` (1,) set.

    Args:
        samples: mmpretrain's, B of them.
        scores: Shape (B, K).
    """
    for sample, score, label in zip(samples, scores, scores.argmax(dim=1, keepdim=True), strict=True):
        sample.set_pred_score(score).set_pred_label(label)
    return samples
