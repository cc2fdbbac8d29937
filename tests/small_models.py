"""Networks small enough to be trained in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mmengine.config import Config

SMALL = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
DECODER = dict(embed_dims=16, decoder_embed_dims=16, depth=1, num_heads=2)


def shrink(cfg: Config) -> Config:
    """Make a config's HSIViT small, and with it the decoder or the head."""
    cfg.model.backbone.arch = SMALL
    if "decoder" in cfg.model:
        cfg.model.decoder.update(DECODER)
    else:
        cfg.model.head.in_channels = 32
    return cfg


def mae(bands: int, size: int, preprocessor: dict, **backbone: object) -> dict:
    """Config of an MAE of windows of ``size`` pixels in patches of 3."""
    sizes = dict(in_channels=bands, img_size=size, patch_size=3)
    return dict(
        type="MAE",
        data_preprocessor=dict(num_bands=bands, **preprocessor),
        backbone=dict(type="HSIViT", arch=SMALL, **sizes, **backbone),
        decoder=dict(type="MAEDecoder", **sizes, **DECODER),
    )
