"""A trained model as a function from windows to class scores."""

from __future__ import annotations

import copy
import hashlib
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.registry import DefaultScope
from torch import Tensor, nn
from torch.nn.functional import pad

from mmhsi.config_files import load_config
from mmhsi.engine.building import building
from mmhsi.engine.device import choose_device
from mmhsi.engine.numbers import resolve_from_spec
from mmhsi.errors import ConfigError
from mmhsi.inference.publishing import model_spec, published_model
from mmhsi.io.files import file_digest, reading
from mmhsi.models.classifiers import PixelClassifier
from mmhsi.models.freezing import FreezableBackbone
from mmhsi.models.protocols import DenseBackbone
from mmhsi.models.tile_regressor import TileRegressor
from mmhsi.models.weights import load_weights, read_checkpoint
from mmhsi.registry import MODELS
from mmhsi.visualization import class_palette

from .batch_size import fastest_batch
from .bounded_building import BoundedBuilding
from .compiled import compile_passes

if TYPE_CHECKING:
    from mmengine.config import Config

AUTO_BATCH = {True: (32, 1024, 1 << 16), False: (1, 32, 1024)}
"""Windows that are tried first, and at most on a CPU and on a GPU: of a pixel classifier, of a segmentor."""


class WindowModel:
    """A config's model with a checkpoint's weights, in evaluation mode.

    Args:
        config: Config file or object of the training; None for a published checkpoint, which carries the model.
        checkpoint: Weights that it wrote.
        device: Torch device. Default: a GPU where there is one.
        amp: Whether it runs in bfloat16, or in float16 on GPUs that lack it. Default False.
        compile: Whether ``torch.compile`` makes its passes. Default False.

    Attributes:
        source: The checkpoint, for messages.
        spec: What it was trained on.
        classes: Class names.
        palette: Their colours.
        by_pixel: Whether it classifies the centre of a window rather than all of it.
        preprocessor: Its preprocessor.
        num_outputs: Numbers a pixel: K, or of a model of values T, or 2 · T with their standard deviations.
        digest: What tells its weights and its structure from others.

    Raises:
        ConfigError: If the checkpoint is of another model or does not say what it was trained on, or the device cannot
            be used, or torch cannot compile.
        FileFormatError: If the checkpoint cannot be read.
    """

    def __init__(
        self,
        config: str | Path | Config | None,
        checkpoint: str | Path,
        device: str | None = None,
        amp: bool = False,
        compile: bool = False,
    ) -> None:
        cfg = published_model(checkpoint) if config is None else copy.deepcopy(load_config(config))
        self.device = choose_device(device)
        self.amp = amp
        self.compile = compile
        self.source = f"checkpoint {checkpoint}"
        whole = read_checkpoint(checkpoint)
        self.spec = model_spec(whole, checkpoint)
        self.classes = list(self.spec.classes)
        self.palette = list(self.spec.palette or class_palette(self.spec.classes))
        resolve_from_spec(cfg, self.spec, self.source)
        with DefaultScope.overwrite_default_scope("mmhsi"):
            model = copy.deepcopy(cfg.model)
            model.backbone.pop("init_cfg", None)  # the checkpoint holds every weight
            with building(cfg) if config else reading(checkpoint, "its model cannot be built"):
                try:
                    with nullcontext() if config else BoundedBuilding(whole["state_dict"], self.source):
                        self.network = MODELS.build(model)
                except ConfigError as error:
                    if config:
                        raise
                    raise ConfigError(f"{checkpoint}: its model cannot be built: {error}") from error
        outputs = None
        if isinstance(self.network, PixelClassifier | TileRegressor):
            outputs = self.network.num_outputs
        else:
            from mmseg.models.segmentors import BaseSegmentor  # not above: with mmseg's models come those of scipy

            if not isinstance(self.network, BaseSegmentor):
                raise ConfigError(
                    f"{type(self.network).__name__} gives no classes; expected a config of PixelClassifier, "
                    "EncoderDecoder or Mask2Former"
                )
        if (outputs is None) == bool(self.spec.targets):
            raise ConfigError(
                f"{self.source} was trained on {'values' if self.spec.targets else 'classes'}, "
                f"{type(self.network).__name__} gives {'classes' if outputs is None else 'values'}"
            )
        self.num_outputs = outputs or len(self.classes)
        load_weights(self.network, checkpoint)
        if isinstance(self.network, FreezableBackbone):
            self.network.merge_adapters()
        self.network.to(self.device).eval()
        self.by_pixel = isinstance(self.network, PixelClassifier)
        for part in self.network.modules():
            dense = isinstance(part, DenseBackbone)
            for module in part.modules():
                if dense and isinstance(module, nn.Conv2d):
                    # As its rows come, all bands of a pixel together: a tenth faster on a CPU, equal to 1e-7.
                    module.to(memory_format=torch.channels_last)
        if compile:
            compile_passes(self.network)
        self.preprocessor = self.network.data_preprocessor
        structure = hashlib.sha256(repr(cfg.model).encode()).hexdigest()[:16]
        self.digest = [file_digest(Path(checkpoint))[:16], structure]

    def seen_window(self, window: tuple[int, int]) -> tuple[int, int]:
        """The part of a window that the scores of its centre depend on.

        Args:
            window: (h, w) in pixels.
        """
        return self.network.seen_window(window) if self.by_pixel else window

    def takes_rows(self, window: tuple[int, int]) -> bool:
        """Whether all pixels of some rows are classified at once (:meth:`predict_rows`).

        Args:
            window: (h, w) in pixels.
        """
        return self.by_pixel and self.network.takes_rows(window)

    def predict_rows(self, x: Tensor, window: tuple[int, int]) -> Tensor:
        """What the model says of every pixel that has a whole window within an image.

        Args:
            x: Normalised, shape (1, C, H, W).
            window: (h, w) in pixels.

        Returns:
            float32 class probabilities, or values, (K, H − h + 1, W − w + 1).

        Raises:
            ConfigError: If K is not the number of classes.
        """
        with self.precision():
            scores = self.network.predict_rows(x, window)
        self._check_classes(len(scores))
        return scores

    @property
    def embeds_pixels(self) -> bool:
        """Whether pixels are best embedded (:meth:`embed_pixels`) before windows are cut (:meth:`of_embedded`)."""
        return self.by_pixel and self.network.embeds_pixels

    def embed_pixels(self, image: Tensor) -> Tensor:
        """What the network makes of single pixels; symmetries and windows share it.

        Args:
            image: Normalised, shape (H, W, C).

        Returns:
            Shape (H, W, e).
        """
        with self.precision():
            return self.network.embed_pixels(image)

    def of_embedded(self, pixels: Tensor) -> Tensor:
        """What the model says of windows of embedded pixels, as of windows themselves.

        Args:
            pixels: Shape (B, e, h, w).

        Raises:
            ConfigError: If K is not the number of classes.
        """
        with self.precision():
            scores = self.network.predict_embedded(pixels)
        self._check_classes(scores.shape[1])
        return scores.float()

    def precision(self) -> torch.autocast:
        """The precision that the network runs in, as a context."""
        kind = self.device.type
        half = torch.float16 if kind == "cuda" and not torch.cuda.is_bf16_supported() else torch.bfloat16
        return torch.autocast(kind, dtype=half, enabled=self.amp)

    def _check_classes(self, count: int) -> None:
        if count != self.num_outputs:
            raise ConfigError(f"the model gives {count} classes, its checkpoint names {self.num_outputs}")

    def __call__(self, x: Tensor) -> Tensor:
        """What the model says of normalised windows.

        Args:
            x: Shape (B, C, h, w).

        Returns:
            float32: class probabilities, or values, (B, K) of a pixel classifier; logits (B, K, h, w) of a segmentor,
            values of a :class:`mmhsi.models.TileRegressor`.

        Raises:
            ConfigError: If K is not the number of classes.
        """
        with self.precision():
            if self.by_pixel:
                scores = self.network.predict_scores(x)
            else:
                height, width = x.shape[2:]
                divisor = getattr(self.preprocessor, "size_divisor", 1)
                if height % divisor or width % divisor:  # otherwise a copy would be made
                    x = pad(x, (0, -width % divisor, 0, -height % divisor))  # as in training
                size = tuple(x.shape[2:])
                scores = self.network.encode_decode(x, [dict(img_shape=size, pad_shape=size)])
                scores = scores[..., :height, :width]
        self._check_classes(scores.shape[1])
        return scores.float()

    def fastest_batch(self, channels: int, window: tuple[int, int]) -> int:
        """How many windows (C, h, w) at a time are fastest; see :func:`mmhsi.inference.batch_size.fastest_batch`.

        They are timed as scenes are passed: of pixels that were embedded before, and of no more than the model sees.

        Args:
            channels: C.
            window: (h, w) in pixels.
        """
        first, cpu, gpu = AUTO_BATCH[self.by_pixel]
        limit = cpu if self.device.type == "cpu" else gpu
        score, size = (self.of_embedded, window) if self.embeds_pixels else (self, self.seen_window(window))

        @torch.inference_mode()
        def run(count: int) -> None:
            score(torch.randn(count, channels, *size, device=self.device))

        if self.embeds_pixels:
            with torch.inference_mode():
                channels = self.embed_pixels(torch.zeros(1, 1, channels, device=self.device)).shape[2]
        return fastest_batch(run, self.device, first, limit)
