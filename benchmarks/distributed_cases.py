"""The methods that ``distributed_equality.py`` compares, small, and their data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from mmengine.structures import PixelData
from mmpretrain.structures import DataSample
from mmseg.structures import SegDataSample
from torch import Tensor
from torch.utils.data import Dataset

from mmhsi.datasets.statistics import BandStatistics
from mmhsi.registry import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterable

BANDS, SIDE, CLASSES = 8, 12, 3
SENSORS = {"eight": BANDS, "five": 5}
"""Bands of each sensor, of samples of kind ``'sensors'``."""
WAVELENGTHS = [450.0 + 100 * band for band in range(BANDS)]
SAMPLES = 16
VIT = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
SST = dict(embed_dims=16, spatial_layers=2, spectral_layers=2, num_heads=2, head_dims=8, feedforward_channels=32)
AUGMENTS = [dict(type="BatchDihedral"), dict(type="BatchGainOffset", smooth=0.1), dict(type="BatchNoise")]


@DATASETS.register_module()
class EqualitySamples(Dataset):
    """Fixed random cubes.

    Args:
        kind: ``'tile'``; ``'full'``, all pixels of which hold data; ``'views'``; ``'labeled'``, with a label a
            pixel; ``'pixel'``, with one label; or ``'sensors'``, one half of each sensor, as of a ``MixedDataset``.
        length: How many.
    """

    metainfo = dict(classes=["a", "b", "c"])
    weights = (1.0, 2.0)

    def __init__(self, kind: str = "tile", length: int = SAMPLES) -> None:
        self.kind = kind
        self.length = length
        self.ends = (length // 2, length)

    def __len__(self) -> int:
        return self.length

    def band_statistics(self) -> BandStatistics:
        """Of all cubes, or of those of each sensor."""
        if self.kind != "sensors":
            return self._statistics(range(len(self)), BANDS)
        first, second = SENSORS.values()
        return BandStatistics.side_by_side(
            [self._statistics(range(self.ends[0]), first), self._statistics(range(*self.ends), second)]
        )

    def _statistics(self, indices: Iterable[int], bands: int) -> BandStatistics:
        statistics = BandStatistics(bands)
        for index in indices:
            statistics.update(self.cube(index, 0)[:bands].movedim(0, -1).reshape(-1, bands).numpy())
        return statistics

    @staticmethod
    def cube(index: int, view: int, size: int = SIDE) -> Tensor:
        """Values (C, size, size), lower in every next row, so that neighbours have something in common."""
        generator = torch.Generator().manual_seed(100 * index + view)
        slope = torch.arange(float(size))[:, None] * torch.randn(BANDS, 1, 1, generator=generator)
        return 50 + slope + torch.randn(BANDS, size, size, generator=generator)

    def __getitem__(self, index: int) -> dict:
        sizes = [SIDE, SIDE, 6, 6] if self.kind == "views" else [getattr(index, "size", SIDE)]
        cubes = [self.cube(int(index), view, size) for view, size in enumerate(sizes)]
        valid = [torch.ones(size, size, dtype=torch.bool) for size in sizes]
        for mask in valid:
            mask[: 0 if self.kind == "full" else int(index) % 5] = False
        if self.kind == "views":
            return dict(inputs=cubes, valid=valid)
        sample = dict(inputs=cubes[0], valid=valid[0])
        if self.kind == "sensors":
            name, bands = list(SENSORS.items())[int(index) >= self.ends[0]]
            about = dict(sensor=name, wavelengths=tuple(WAVELENGTHS[:bands]))
            sample.update(inputs=cubes[0][:bands], data_samples=SegDataSample(metainfo=about))
        if self.kind == "pixel":
            sample["data_samples"] = DataSample().set_gt_label(int(index) % CLASSES)
        if self.kind == "labeled":
            labels = (cubes[0][:1] > 50).long() + (cubes[0][1:2] > 50)
            labels[:, :, : int(index) % 7] = 255
            sample["data_samples"] = SegDataSample(
                gt_sem_seg=PixelData(data=labels), metainfo=dict(ori_shape=(SIDE, SIDE), img_shape=(SIDE, SIDE))
            )
        return sample


@dataclass
class Case:
    """A method.

    Attributes:
        model: Config of the model.
        data: Kind of samples.
        tolerance: Greatest difference that is allowed of losses and of weights; None where they are not the same.
        reason: Why.
        hooks: Further hooks.
        batch_sampler: Config of the batch sampler.
        settings: Further keys of the config.
        sharded: Whether several processes share the weights (FSDP).
    """

    model: dict
    data: str = "tile"
    tolerance: float | None = 1e-5
    reason: str = "sums in another order"
    hooks: tuple[dict, ...] = ()
    batch_sampler: dict | None = None
    settings: tuple[tuple[str, object], ...] = ()
    sharded: bool = False


def tiles(**options: object) -> dict:
    """Config of the preprocessor."""
    return dict(dict(type="TilePreprocessor", num_bands=BANDS, augments=AUGMENTS), **options)


def vit(**options: object) -> dict:
    """Config of a small HSIViT."""
    return dict(dict(type="HSIViT", arch=VIT, in_channels=BANDS, img_size=SIDE, patch_size=3), **options)


def dinov2(**weights: float) -> dict:
    """Config of DINOv2 with these weights of its losses."""
    return dict(
        type="DINOv2",
        data_preprocessor=dict(type="ViewPreprocessor", num_bands=BANDS, augments=AUGMENTS),
        backbone=vit(num_registers=1, with_mask_token=True),
        head=dict(type="DINOHead", num_prototypes=32, hidden_channels=32, bottleneck_channels=16),
        loss_weights=weights,
    )


def segmentor(head: dict, loss: dict | list[dict]) -> dict:
    """Config of an EncoderDecoder."""
    return dict(
        type="EncoderDecoder",
        data_preprocessor=tiles(augments=AUGMENTS[1:]),
        backbone=vit(out_indices=(0, 1)),
        decode_head=dict(num_classes=CLASSES, loss_decode=loss, **head),
        train_cfg=dict(),
        test_cfg=dict(mode="whole"),
    )


CROSS_ENTROPY = dict(type="CrossEntropyLoss", class_weight=[1.0, 2.0, 3.0])
LINEAR = dict(type="MultiscaleLinearHead", in_channels=[16, 16], in_index=[0, 1], dropout_ratio=0.0)
# A sample at a time, and well conditioned: the normalised masks of a Segmenter amplify rounding a thousandfold.
GROUPS = dict(LINEAR, norm_cfg=dict(type="GN", num_groups=2))
DINO_HOOK = dict(type="DINOScheduleHook", warmup_epochs=1, freeze_last_layer_epochs=0)
CASES = {
    "MAE, hidden patches": Case(
        dict(
            type="MAE",
            data_preprocessor=tiles(),
            backbone=vit(),
            decoder=dict(
                type="MAEDecoder",
                in_channels=BANDS,
                img_size=SIDE,
                patch_size=3,
                embed_dims=16,
                decoder_embed_dims=16,
                depth=1,
                num_heads=2,
            ),
        )
    ),
    "LO-MSST, 2 of 4 layers pruned": Case(
        dict(
            type="LOMSST",
            data_preprocessor=tiles(),
            backbone=dict(type="SST", arch=SST, in_channels=BANDS, patch_size=3, bands_per_block=2),
            masking=dict(type="BlockwiseMasking", ratio=0.75),
        ),
        hooks=(dict(type="LayerPruningHook", num_layers=2, interval=1),),
        settings=(("find_unused_parameters", True),),
    ),
    "IMAE, batches of three window sizes": Case(
        dict(
            type="IMAE",
            data_preprocessor=tiles(),
            backbone=dict(type="IMAEViT", arch="tiny", in_channels=BANDS),
            decoder=dict(
                type="IMAEDecoder", in_channels=BANDS, embed_dims=64, decoder_embed_dims=16, depth=1, num_heads=2
            ),
        ),
        batch_sampler=dict(type="MultiSizeBatchSampler", sizes=(5, 7, 9), drop_last=True),
    ),
    "SS-MAE, MRS": Case(
        dict(
            type="SSMAE",
            data_preprocessor=tiles(),
            backbone=dict(type="SSMAEViT", arch="tiny", in_channels=BANDS, window=SIDE),
            spectral_masking=dict(type="MRSMasking", ratio=0.3),
            decoder_embed_dims=16,
            decoder_num_heads=2,
        ),
    ),
    "DINOv2 without KoLeo": Case(dinov2(koleo=0), "views", hooks=(DINO_HOOK,)),
    "DINOv2": Case(dinov2(), "views", None, "KoLeo seeks neighbours among a rank's own samples", (DINO_HOOK,)),
    "Segmentation, cross-entropy and dice": Case(
        segmentor(GROUPS, [CROSS_ENTROPY, dict(type="DiceLoss", loss_name="loss_dice")]), "labeled"
    ),
    "Segmentation, batch norm": Case(
        segmentor(LINEAR, CROSS_ENTROPY), "labeled", None, "batch norm sees a rank's own samples (no SyncBN on CPUs)"
    ),
    "Pixel classification": Case(
        dict(
            type="PixelClassifier",
            data_preprocessor=tiles(),
            backbone=vit(),
            neck=dict(type="CenterContext"),
            head=dict(
                type="mmpretrain.LinearClsHead",
                num_classes=CLASSES,
                in_channels=32,
                loss=dict(type="mmpretrain.LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
            ),
        ),
        "pixel",
    ),
}
ANY_BANDS = {
    "IMAE, batches of three window sizes": "wavelength",
    "SS-MAE, MRS": "spectral-stem",
    "LO-MSST, 2 of 4 layers pruned": "spectral-blocks",
}
for method, embedding in ANY_BANDS.items():
    any_bands = dict(CASES[method].model["backbone"], embedding=embedding, wavelengths=WAVELENGTHS)
    case = replace(CASES[method], model=dict(CASES[method].model, backbone=any_bands))
    CASES[f"{method.partition(',')[0]}, any bands"] = case
CASES["MAE, two sensors in turn"] = Case(
    dict(
        type="MAE",
        data_preprocessor=dict(type="SensorTilePreprocessor", sensors=SENSORS, augments=AUGMENTS),
        backbone=vit(in_channels=None, embedding="wavelength"),
        decoder=dict(type="MAEDecoder", decoder_embed_dims=16, depth=1, num_heads=2),
    ),
    "sensors",
    batch_sampler=dict(type="SensorBatchSampler"),
)
for method in ("MAE, hidden patches", "DINOv2 without KoLeo"):
    CASES[f"{method}, FSDP"] = replace(CASES[method], sharded=True)
