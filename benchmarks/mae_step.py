"""MAE on ViT-B at 64 x 64 x 32, patch 8, 75 % masked: its step beside mmpretrain's MAE, and what masking saves."""

import torch
from mmengine.registry import DefaultScope
from mmpretrain.models.selfsup import BaseSelfSupervisor
from mmpretrain.registry import MODELS as MMPRETRAIN_MODELS
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.models import MAE
from mmhsi.registry import MODELS

BANDS, SIDE, PATCH, RATIO = 32, 64, 8, 0.75


def our_mae() -> MAE:
    """The dissertation's model."""
    sizes = dict(in_channels=BANDS, img_size=SIDE, patch_size=PATCH)
    model = dict(
        type="MAE",
        data_preprocessor=dict(type="TilePreprocessor", num_bands=BANDS),
        backbone=dict(type="HSIViT", arch="base", **sizes),
        decoder=dict(type="MAEDecoder", embed_dims=768, decoder_embed_dims=512, depth=8, num_heads=16, **sizes),
        masking=dict(type="RandomMasking", ratio=RATIO),
    )
    return MODELS.build(model)


def their_mae() -> BaseSelfSupervisor:
    """The same in mmpretrain."""
    sizes = dict(img_size=SIDE, patch_size=PATCH, patch_cfg=dict(in_channels=BANDS))
    decoder = dict(embed_dim=768, decoder_embed_dim=512, decoder_depth=8, decoder_num_heads=16)
    loss = dict(type="PixelReconstructionLoss", criterion="L2")
    patches = dict(patch_size=PATCH, in_chans=BANDS, num_patches=(SIDE // PATCH) ** 2)
    model = dict(
        type="MAE",
        backbone=dict(type="MAEViT", arch="b", mask_ratio=RATIO, **sizes),
        neck=dict(type="MAEPretrainDecoder", **patches, **decoder),
        head=dict(type="MAEPretrainHead", patch_size=PATCH, in_channels=BANDS, loss=loss),
    )
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        return MMPRETRAIN_MODELS.build(model)


def whole_step(bench: Bench) -> tuple[Measure, Measure]:
    """The whole algorithm, ours and theirs."""
    ours, theirs = our_mae().to(bench.device), their_mae().to(bench.device)
    x = torch.randn(bench.size(8, 1), BANDS, SIDE, SIDE, device=bench.device)
    return (
        bench.forward_backward(ours, lambda: ours.loss(x, None)["loss"]),
        bench.forward_backward(theirs, lambda: theirs.loss(x, [])["loss"]),
    )


def encoder_step(bench: Bench) -> tuple[Measure, Measure]:
    """Our encoder on a quarter of the patches and on all."""
    encoder = our_mae().backbone.to(bench.device)
    x = torch.randn(bench.size(8, 1), BANDS, SIDE, SIDE, device=bench.device)
    patches = (SIDE // PATCH) ** 2
    everything = torch.arange(patches, device=bench.device).expand(len(x), -1)
    few = everything[:, : patches - round(RATIO * patches)]
    return (
        bench.forward_backward(encoder, lambda: encoder.forward_visible(x, few).sequence().square().mean()),
        bench.forward_backward(encoder, lambda: encoder.forward_visible(x, everything).sequence().square().mean()),
    )


COMPARISONS = [
    Comparison(
        "mae-step",
        "MAE ViT-B, 64×64×32, 75 % hidden, batch 8, forward and backward, beside mmpretrain's own MAE with 32 bands",
        whole_step,
        goal="≤ 1.05",
        on_device=True,
    ),
    Comparison(
        "mae-masking",
        "its encoder, 75 % hidden beside unmasked, forward and backward",
        encoder_step,
        goal="≤ 0.35",
        on_device=True,
    ),
]

if __name__ == "__main__":
    main(dict(mae_step=COMPARISONS))
