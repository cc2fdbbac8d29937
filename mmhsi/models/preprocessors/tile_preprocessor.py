"""Preprocessor of whole tiles, for segmentation and pretraining."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmhsi.arguments import check_sizes
from mmhsi.errors import ConfigError
from mmhsi.registry import MODELS

from .band_preprocessor import BandPreprocessor
from .batch_augments import BatchDihedral

if TYPE_CHECKING:
    from collections.abc import Sequence


@MODELS.register_module()
class TilePreprocessor(BandPreprocessor):
    """Stack tiles, move the raw values to the device, normalise there.

    Tiles of one batch may differ in size: they are padded below and to the right with the mean (0 after
    normalisation), their labels with ``seg_pad_val``; predictions are cut to the tile again.

    Args:
        num_bands: Bands C. Default: those of the training data, where :func:`mmhsi.engine.build_runner` builds it.
        mean: C means, or None to fit them.
        std: C standard deviations, or None to fit them.
        clip: Normalised values are clipped to ± this.
        seg_pad_val: Label of padded pixels. Default 255, ignored by losses and metrics.
        size_divisor: Sides are padded in the same way to a multiple of this, for networks that need it. Default 1.
        augments: Configs of batch augmentations that leave the geometry alone.
        non_blocking: Copy to the device without waiting.
    """

    def __init__(
        self,
        num_bands: int | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        clip: float | None = None,
        seg_pad_val: int = 255,
        size_divisor: int = 1,
        augments: Sequence[dict] = (),
        non_blocking: bool = False,
    ) -> None:
        super().__init__(num_bands, mean, std, clip, augments, non_blocking)
        check_sizes("TilePreprocessor", size_divisor=size_divisor)
        self.seg_pad_val = seg_pad_val
        self.size_divisor = size_divisor

    def forward(self, data: dict, training: bool = False) -> dict:
        """Prepare a collated batch.

        Args:
            data: ``inputs``, a list of (C, H, W) tensors; ``valid``, a list of bool (H, W) tensors; and, for
                segmentation, ``data_samples``.
            training: Whether to augment.

        Returns:
            ``inputs`` (B, C, H, W) float32, ``data_samples``; for models that ask for them ``valid`` (B, H, W) and, in
            training, ``rng`` for B samples.

        Raises:
            ConfigError: If the batch is of another kind of data, or images with label maps were to be turned, which
                turns images alone.
        """
        if "inputs" not in data:
            raise ConfigError(
                "TilePreprocessor takes tiles as PackTile packs them, the data give others; choose other data"
            )
        inputs: Sequence[Tensor] = data["inputs"]
        samples = data.get("data_samples")
        valid: Sequence[Tensor] = data["valid"]
        sizes = {tuple(tile.shape[1:]) for tile in inputs}
        height, width = (-(-max(side) // self.size_divisor) * self.size_divisor for side in zip(*sizes, strict=True))
        if sizes == {(height, width)}:
            x = self.cast_data(torch.stack(list(inputs)))
            mask = self.cast_data(torch.stack(list(valid)))
        else:
            from mmseg.utils import stack_batch  # not above: it brings mmseg's reader of texts

            size = (height, width)
            mask = self.cast_data(stack_batch([v[None] for v in valid], size=size, pad_val=0)[0][:, 0])
            # In tests labels stay as they are, and what was added to the tile is told, for the prediction loses it.
            padded = samples if training else None
            x, samples_or_sizes = stack_batch(list(inputs), padded, size=size, pad_val=0, seg_pad_val=self.seg_pad_val)
            if training:
                samples = samples_or_sizes
            else:
                for sample, added in zip(samples or (), samples_or_sizes, strict=False):
                    sample.set_metainfo(added)
            x = self.cast_data(x)
        # Asked on the host: where every pixel holds data, there is nothing to fill.
        complete = sizes == {(height, width)} and all(bool(tile.all()) for tile in valid)
        x = self.normalise(x, None if complete else mask)
        rng = self.step_rng(len(x), x.device) if training else None
        if rng is not None:
            if samples and "gt_sem_seg" in samples[0] and any(isinstance(a, BatchDihedral) for a in self.augments):
                raise ConfigError(
                    "TilePreprocessor: BatchDihedral in augments turns images and not their label maps; use transforms "
                    "of the dataset's pipeline, such as RandomDihedral"
                )
            x, mask = self.augment(x, rng, mask if self.with_valid else None)
        batch = {"inputs": x, "data_samples": self.cast_data(samples)}
        if self.with_valid:
            batch["valid"] = mask
        if self.with_rng and rng is not None:
            batch["rng"] = rng
        return batch
