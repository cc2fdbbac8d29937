"""Classification of the centre pixel of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from mmhsi.registry import MODELS

from .checks import map_channels
from .dense import POOLS, dense_parts, dense_scores
from .freezing import FreezableBackbone
from .preprocessors import ScenePreprocessor, dihedral, symmetries
from .protocols import (
    CentreBackbone,
    LayeredBackbone,
    PixelEmbeddingBackbone,
    ScaledBackbone,
    check_protocol,
    finer_source,
    overrides,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FEATURES_PER_CHANNEL = {"CenterContext": 2, "LearnableAggregation": 1, "GlobalAveragePooling": 1}
"""What necks, by their classes' names, make of every channel of the last map."""

PASS = 64
"""Windows a pass on a CPU, for each thread: of more, what one layer gives has left the cache before the next one."""
CHUNK = 4096
"""Pixels of a row that are embedded at a time."""
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
        backbone: The backbone, see :func:`mmhsi.models.checks.map_channels`.
        neck: The neck.
    """
    channels, factor = map_channels(backbone), FEATURES_PER_CHANNEL.get(type(neck).__name__)
    return None if channels is None or factor is None else channels * factor


@MODELS.register_module()
class PixelClassifier(FreezableBackbone, BaseModel):
    """Backbone, neck and head, which can average their scores over the symmetries of a window.

    Parts are those of mmpretrain's ``ImageClassifier``, its heads and necks fit.

    Args:
        backbone: Config of the backbone.
        neck: Config of the neck, e.g. mmpretrain's ``GlobalAveragePooling``.
        head: Config of the head, e.g. mmpretrain's ``LinearClsHead``; ``in_channels`` are those of
            :func:`feature_width`, where that is known and they are left out.
        tta: Whether prediction averages the softmax scores over the quarter turns and flips of the window (8 for
            square windows, 4 else), at that many times the cost. Default False.
        frozen: Whether the backbone stays as it was loaded, in evaluation mode and without gradients. Default False.
        lora: Options of low-rank adapters (:func:`mmhsi.models.adapters.check_lora`), such as ``dict(rank=8)``, which
            then alone learn of the backbone. Default None.
        mixup: Whether training windows are mixed with others of their batch, by a factor from 0 to 1 that is drawn for
            each batch, and their losses likewise (H. Zhang et al., mixup, ICLR 2018, with α = 1). Default False.
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
        lora: dict | None = None,
        mixup: bool = False,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = None if neck is None else MODELS.build(neck)
        self.head: Any = None
        if head is not None:
            width = None if self.neck is None else feature_width(self.backbone, self.neck)
            self.head = MODELS.build(head, default_args=None if width is None else dict(in_channels=width))
            self.head.register_forward_hook(in_float32)
        self.tta = tta
        self.mixup = mixup
        self.limit_backbone(frozen, lora)

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """What the head is given.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
        """
        features = self.backbone(inputs)
        return features if self.neck is None else self.neck(features)

    def forward(
        self, inputs: Tensor, data_samples: list | None = None, mode: str = "tensor"
    ) -> Tensor | tuple[Tensor, ...] | dict[str, Tensor] | list:
        """One of mmengine's three passes.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).
            data_samples: mmpretrain's samples, one a window; for ``'tensor'`` not needed.
            mode: ``'tensor'`` for the head's scores (B, K), without a head its input; ``'loss'`` for losses by name;
                ``'predict'`` for the samples with their predictions. Default ``'tensor'``.

        Raises:
            RuntimeError: If the mode is another one.
        """
        if mode == "predict":
            return self.predict(inputs, data_samples or [])
        if mode == "loss" and self.mixup and data_samples:
            return self._mixed_loss(inputs, data_samples)
        features = self.extract_feat(inputs)
        if mode == "tensor":
            return features if self.head is None else self.head(features)
        if mode == "loss" and self.head is not None:
            return self.head.loss(features, data_samples)
        raise RuntimeError(f"PixelClassifier: mode={mode!r} without a head or unknown")

    def _mixed_loss(self, inputs: Tensor, samples: list) -> dict[str, Tensor]:
        """Losses of windows mixed with others, which are as much of the one class as of the other."""
        share, other = torch.rand(()).item(), torch.randperm(len(samples)).tolist()
        features = self.extract_feat(share * inputs + (1 - share) * inputs[other])
        first = self.head.loss(features, samples)
        second = self.head.loss(features, [samples[index] for index in other])
        return {name: share * value + (1 - share) * second[name] for name, value in first.items()}

    def get_layer_depth(self, param_name: str) -> tuple[int, int]:
        """Depth of a parameter's layer and of the deepest, for learning rates by layer.

        Args:
            param_name: Name of the parameter.

        Raises:
            ConfigError: If the backbone does not tell.
        """
        backbone = check_protocol("PixelClassifier: layer-wise learning rates", self.backbone, LayeredBackbone)
        return backbone.get_layer_depth(param_name, "backbone.")

    def scored(self, outputs: Tensor) -> Tensor:
        """What is averaged over the symmetries and handed on: the softmax.

        Args:
            outputs: Of the head, shape (B, K).

        Returns:
            Class scores, float32, same shape.
        """
        return outputs.float().softmax(dim=1)

    @property
    def num_outputs(self) -> int | None:
        """Numbers a pixel that :meth:`predict_scores` gives; None for one a class of the data."""
        return None

    @property
    def embeds_pixels(self) -> bool:
        """Whether what the backbone makes of single pixels is worth computing before windows are cut of it.

        Not if a class derived from this one or from the backbone's computes windows in a way of its own, or a hook sees
        them.
        """
        backbone = self.backbone
        if not isinstance(backbone, PixelEmbeddingBackbone) or not backbone.embeds_pixels:
            return False
        hooks = (self._forward_hooks, self._forward_pre_hooks, backbone._forward_hooks, backbone._forward_pre_hooks)
        own = any(overrides(type(backbone), name, "forward_embedded") for name in ("forward", "embed"))
        return not (own or any(hooks) or self._passes_windows_itself("predict_embedded"))

    def _passes_windows_itself(self, beside: str) -> bool:
        """Whether a derived class passes windows in a way of its own, which another method does not know."""
        return any(overrides(type(self), name, beside) for name in ("forward", "extract_feat", "predict_scores"))

    def embed_pixels(self, image: Tensor) -> Tensor:
        """What the backbone makes of single pixels, for :meth:`predict_embedded`, if :attr:`embeds_pixels`.

        Args:
            image: Normalised, shape (H, W, C).

        Returns:
            Shape (H, W, e).
        """
        backbone = check_protocol("PixelClassifier: pixels embedded once", self.backbone, PixelEmbeddingBackbone)
        # Row by row: every row is then rounded alike, whichever rows are asked for. What layers along the spectrum give
        # of a pixel is large.
        parts = [part.T[None, :, None] for row in image for part in row.split(CHUNK)]
        made = torch.cat([backbone.embed_pixels(part)[0, :, 0].T for part in parts])
        return made.unflatten(0, image.shape[:2])

    def predict_embedded(self, pixels: Tensor) -> Tensor:
        """Class scores of windows, as of :meth:`predict_scores`, of what was made of their pixels before.

        Args:
            pixels: Windows of what :meth:`embed_pixels` gave, shape (B, e, h, w).
        """
        return self._in_passes(pixels, self.forward_embedded)

    def forward_embedded(self, pixels: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The head's scores, without a head its input, as of :meth:`forward`, of what was made of pixels before.

        Args:
            pixels: Windows of what :meth:`embed_pixels` gave, shape (B, e, h, w).
        """
        backbone = check_protocol("PixelClassifier: pixels embedded once", self.backbone, PixelEmbeddingBackbone)
        features = backbone.forward_embedded(pixels)
        features = features if self.neck is None else self.neck(features)
        return features if self.head is None else self.head(features)

    def predict_scores(self, inputs: Tensor) -> Tensor:
        """Class scores of windows.

        Args:
            inputs: Normalised windows, shape (B, C, h, w).

        Returns:
            Softmax scores, shape (B, K).
        """
        return self._in_passes(inputs, self)

    def _in_passes(self, inputs: Tensor, outputs: Callable[[Tensor], Any]) -> Tensor:
        """Scores of windows, of which each pass gives what the head does."""
        if inputs.device.type != "cpu" or torch.compiler.is_compiling():  # an exported graph takes any number
            return self._pass(inputs, outputs)
        return torch.cat([self._pass(part, outputs) for part in inputs.split(PASS * torch.get_num_threads())])

    def _pass(self, inputs: Tensor, outputs: Callable[[Tensor], Any]) -> Tensor:
        single = inputs.shape[2] == inputs.shape[3] == 1  # which looks the same from all sides
        elements = symmetries(*inputs.shape[2:]) if self.tta and not single else (0,)
        turned = (dihedral(inputs, element, finer_source(self.backbone)) for element in elements)
        return torch.stack([self.scored(outputs(windows)) for windows in turned]).mean(dim=0)

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
        if type(self.neck).__name__ not in POOLS or self._passes_windows_itself("predict_rows"):
            return False
        return bool(dense_parts(self.backbone, window))

    def predict_rows(self, image: Tensor, window: tuple[int, int]) -> Tensor:
        """Class scores of all pixels that have a whole window within an image, each layer computed once a pixel.

        They equal those of :meth:`predict_scores` on every window but for rounding (1e-5).

        Args:
            image: Normalised, shape (1, C, H, W).
            window: (h, w) in pixels, for which :meth:`takes_rows` holds.

        Returns:
            Softmax scores, shape (K, H − h + 1, W − w + 1).
        """
        assert self.neck is not None  # as takes_rows says
        return dense_scores(dense_parts(self.backbone, window), self.neck, self._classify, image, self.tta)

    def _classify(self, features: Tensor) -> Tensor:
        """Scores (n, K) of features (n, F), which come from the neck."""
        return self.scored(self.head((features,)) if self.head is not None else features)

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
        if self.takes_rows(window) and ("label" in data or "value" in data):
            h, w = self.backbone.side(window) if isinstance(self.backbone, ScaledBackbone) else window
            found = preprocessor.around(data, len(data["row"]) * h * w / WORTH_IT)
            if found is not None:
                image, rows, columns = found
                scores = self.predict_rows(image, window)[:, rows, columns].T
                return self.with_scores(preprocessor.samples(data) or [], scores)
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
        return self.with_scores(data_samples, self.predict_scores(inputs))

    def with_scores(self, samples: list, scores: Tensor) -> list:
        """Samples with ``pred_score`` (K,) and ``pred_label`` (1,) set.

        Args:
            samples: mmpretrain's, B of them.
            scores: Shape (B, K).
        """
        for sample, score, label in zip(samples, scores, scores.argmax(dim=1, keepdim=True), strict=True):
            sample.set_pred_score(score).set_pred_label(label)
        return samples
