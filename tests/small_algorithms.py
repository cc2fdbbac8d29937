"""Every pretraining algorithm, as small as it gets."""

import torch
from mmengine.model import BaseModel

from mmhsi.registry import MODELS

BANDS, SIDE = 8, 9
ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=32)
VIT = dict(type="HSIViT", in_channels=BANDS, arch=ARCH, img_size=SIDE, patch_size=3)
DECODER = dict(decoder_embed_dims=16, depth=1, num_heads=2)
MAE = dict(
    type="MAE",
    backbone=VIT,
    decoder=dict(type="MAEDecoder", in_channels=BANDS, img_size=SIDE, patch_size=3, embed_dims=16, **DECODER),
)
SST = dict(embed_dims=16, spatial_layers=1, spectral_layers=1, num_heads=2, head_dims=8, feedforward_channels=32)
HEAD = dict(type="DINOHead", num_prototypes=64, hidden_channels=24, bottleneck_channels=16)
ALGORITHMS = {
    "MAE": MAE,
    "MAE, normalised targets": dict(MAE, norm_target=True),
    "MAE, bands": dict(MAE, masking=dict(type="MRSMasking", ratio=0.5)),
    "LO-MSST": dict(
        type="LOMSST", backbone=dict(type="SST", arch=SST, in_channels=BANDS, patch_size=3, bands_per_block=2)
    ),
    "LO-MSST, normalised targets": dict(
        type="LOMSST",
        norm_target=True,
        loss_on="all",
        backbone=dict(type="SST", arch=SST, in_channels=BANDS, patch_size=3, bands_per_block=2),
    ),
    "SS-MAE": dict(
        type="SSMAE",
        backbone=dict(type="SSMAEViT", in_channels=BANDS, arch=ARCH, window=SIDE, patch_size=1),
        spectral_masking=dict(type="MRSMasking", ratio=0.5),
        decoder_embed_dims=16,
        decoder_depth=1,
        decoder_num_heads=2,
    ),
    "IMAE": dict(
        type="IMAE",
        backbone=dict(type="IMAEViT", in_channels=BANDS, arch=ARCH),
        decoder=dict(type="IMAEDecoder", in_channels=BANDS, embed_dims=16, **DECODER),
    ),
    "MAEST": dict(
        type="MAEST",
        backbone=dict(
            type="MAESTViT",
            in_channels=BANDS,
            embed_dims=16,
            window=SIDE,
            num_layers=2,
            num_heads=2,
            cross_layer=False,
            drop_rate=0.0,
        ),
        decoder_embed_dims=16,
        decoder_depth=1,
        decoder_num_heads=2,
        drop_rate=0.0,
        masking=dict(type="SpectralMasking", ratio=0.5),
    ),
    "SS-MTr": dict(MAE, type="SSMTr"),
    "SS-MTr, contrast": dict(MAE, type="SSMTr", contrast=0.5),
    "DINOv2": dict(type="DINOv2", backbone=dict(VIT, with_mask_token=True, layer_scale_init_value=1.0), head=HEAD),
    "DINOv2, two streams": dict(
        type="DINOv2",
        centring="softmax",
        head=HEAD,
        backbone=dict(
            type="SpatialSpectralViT",
            in_channels=BANDS,
            arch=ARCH,
            img_size=SIDE,
            patch_size=3,
            spectral_patch_size=2,
            layer_scale_init_value=1.0,
        ),
    ),
}


def preprocessor(kind: str) -> dict:
    """Of a model's type, with statistics under which it changes nothing."""
    name = {"DINOv2": "ViewPreprocessor", "PixelClassifier": "ScenePreprocessor"}.get(kind, "TilePreprocessor")
    return dict(type=name, num_bands=BANDS, mean=[0.0] * BANDS, std=[1.0] * BANDS)


def built(config: dict) -> BaseModel:
    """The model of a config, in evaluation."""
    torch.manual_seed(0)
    model = MODELS.build(dict(config, data_preprocessor=preprocessor(config["type"])))
    for parameter in model.parameters():  # initial ones are small: differences would not show
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()  # no dropout, which would draw something else in another precision
