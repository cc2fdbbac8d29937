"""Configs made small: what the tests of all configs and of all tables change so that a run takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.datasets.transforms import fit_pca
from mmhsi.models.backbones.sst import ARCHS as SST_ARCHS

if TYPE_CHECKING:
    from pathlib import Path

    from mmengine.config import Config

# In place of ViT-B, of which a step would take minutes.
SMALL = dict(embed_dims=48, num_layers=2, num_heads=4, feedforward_channels=96)
WIDE, NARROW = 768, 48


def shrink(cfg: Config) -> None:
    """Make the large encoders narrow, and 512-pixel views small: they would only cost time."""
    backbone = cfg.model.backbone
    if backbone.type == "SST" and backbone.arch in ("base", "large"):
        backbone.arch = dict(SST_ARCHS[backbone.arch], num_heads=1, head_dims=8, feedforward_channels=24)
        return
    if backbone.type == "HiT":
        backbone.update(embed_dims=32, depths=(1, 1, 1, 1))
    if backbone.get("depth") == 50:
        backbone.update(stem_channels=8, base_channels=8)
        for head in (cfg.model.decode_head, cfg.model.auxiliary_head):
            head.update({key: head[key] // 8 for key in ("in_channels", "channels", "c1_in_channels") if key in head})
        return
    if cfg.model.type == "PixelClassifier" and backbone.get("arch") == "paper":
        backbone.arch = dict(SMALL, num_layers=4)
        cfg.model.neck.embed_dims = NARROW
        return
    if cfg.model.type == "DINOv2" and backbone.img_size == 512:
        backbone.img_size //= 4
        for crop, *_ in cfg.train_dataloader.dataset.pipeline[1].transforms:
            crop.size //= 4
    if cfg.model.type == "Mask2Former" and backbone.embed_dims == 96:
        backbone.update(embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1))
        cfg.model.update(in_channels=[8, 16, 32, 64], channels=64, num_queries=20, encoder_layers=1, decoder_layers=3)
        return
    if backbone.get("arch") != "base" or backbone.type not in ("HSIViT", "SpatialSpectralViT"):
        return
    if cfg.model.type == "MAE":
        backbone.arch = SMALL
        if backbone.get("frozen_stages"):
            backbone.frozen_stages = SMALL["num_layers"]
        cfg.model.decoder.update(decoder_embed_dims=32, depth=1, num_heads=2)
    elif cfg.model.type == "DINOv2":
        backbone.arch = SMALL
        cfg.model.head.num_prototypes = 64
    elif cfg.model.type == "EncoderDecoder":
        backbone.arch = dict(SMALL, num_layers=12)
        head = cfg.model.decode_head
        for key in ("in_channels", "channels", "embed_dims"):
            if isinstance(head.get(key), list):
                head[key] = [NARROW if width == WIDE else width for width in head[key]]
            elif head.get(key) == WIDE:
                head[key] = NARROW


def fit_regions(cfg: Config) -> None:
    """Parts and splits of the generated scene, which is smaller, in place of the real one's; windows of 64 at most."""
    for loader, column in (("train_dataloader", 0), ("val_dataloader", 10), ("test_dataloader", 10)):
        dataset = (cfg.get(loader) or {}).get("dataset") or {}
        if (dataset.get("split") or {}).get("type") == "PublishedSplit":
            dataset.split = dict(type="DisjointSplit", per_class=4, window=3, block=4, seed=0)
        if dataset.get("window") == 128:
            dataset.window = 64
        if dataset.get("region"):
            dataset.update(region=(0, column, 24, 16))
            if dataset.get("window"):
                dataset.update(window=16, stride=8)


def load_in_process(cfg: Config) -> None:
    """No worker processes: forking and ending them costs more than what they would read here."""
    for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
        if cfg.get(loader):
            cfg[loader].update(num_workers=0, persistent_workers=False)


def fit_components(cfg: Config, folder: Path) -> None:
    """Principal components of noise, in place of those that are fitted before a config is run."""
    steps = [
        step
        for loader in ("train_dataloader", "val_dataloader", "test_dataloader")
        if cfg.get(loader)
        for step in cfg[loader].dataset.get("pipeline", ())
        if step.get("type") == "PCAProject"
    ]
    for step in steps:
        step.file = str(folder / "pca.npz")
    if steps:
        fit_pca([np.random.default_rng(0).normal(size=(100, 32))], 3, folder / "pca.npz")
