"""Segmentation with ViT-B at 64 x 64 x 32: a frozen encoder's step beside a trained one's, and what each head costs."""

from functools import partial

import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from side_by_side import Bench, Comparison, Measure, main

from mmhsi.models.segmentors import EncoderDecoder
from mmhsi.registry import MODELS

BANDS, SIDE, PATCH, CLASSES, WIDTH = 32, 64, 8, 24, 768
LOSS = dict(type="CrossEntropyLoss")
ALL = dict(in_channels=[WIDTH] * 4, in_index=[0, 1, 2, 3], num_classes=CLASSES, loss_decode=LOSS)
LAST = dict(in_channels=WIDTH, in_index=3, num_classes=CLASSES, loss_decode=LOSS)
SEGMENTER = dict(channels=WIDTH, embed_dims=WIDTH, num_layers=2, num_heads=12, dropout_ratio=0.0)
HEADS = {
    "linear": dict(type="MultiscaleLinearHead", **ALL),
    "CNN": dict(type="CNNHead", **LAST),
    "UNet": dict(type="UNetHead", **ALL),
    "Segmenter": dict(type="mmseg.SegmenterMaskTransformerHead", **SEGMENTER, **LAST),
}


def segmentor(head: dict, frozen: bool, bench: Bench) -> EncoderDecoder:
    """ViT-B under a head, in training mode."""
    sizes = dict(in_channels=BANDS, img_size=SIDE, patch_size=PATCH)
    arch = dict(embed_dims=WIDTH, num_layers=4, num_heads=12, feedforward_channels=64) if bench.quick else "base"
    model = dict(
        type="EncoderDecoder",
        frozen=frozen,
        backbone=dict(type="HSIViT", arch=arch, out_indices=(-4, -3, -2, -1), **sizes),
        decode_head=head,
        test_cfg=dict(mode="whole"),
    )
    return MODELS.build(model).train().to(bench.device)


def training_step(frozen: bool, bench: Bench) -> Measure:
    """A training step on one random batch."""
    batch, device = bench.size(4, 1), bench.device
    model = segmentor(HEADS["linear"], frozen, bench)
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    x = torch.randn(batch, BANDS, SIDE, SIDE, device=device)
    labels = torch.randint(0, CLASSES, (batch, 1, SIDE, SIDE), device=device)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]

    def step() -> None:
        losses = model(x, samples, mode="loss")
        torch.stack([value for key, value in losses.items() if "loss" in key]).sum().backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)

    return bench.seconds(step)


def head_beside_encoder(head: str, bench: Bench) -> tuple[Measure, Measure]:
    """Forward pass of a head and of the encoder."""
    model = segmentor(HEADS[head], True, bench)
    x = torch.randn(bench.size(4, 1), BANDS, SIDE, SIDE, device=bench.device)
    with torch.no_grad():
        maps = model.backbone(x)
    head_forward, encoder_forward = (torch.no_grad()(part) for part in (model.decode_head, model.backbone))
    return bench.seconds(lambda: head_forward(maps)), bench.seconds(lambda: encoder_forward(x))


COMPARISONS = [
    Comparison(
        "head-frozen",
        "ViT-B, 64×64×32, batch 4, linear head: step with a frozen encoder beside one that trains all weights",
        lambda bench: (training_step(True, bench), training_step(False, bench)),
        goal="≤ 0.5",
        on_device=True,
    ),
    *(
        Comparison(
            f"head-{name.lower()}",
            f"forward of the {name} head beside the encoder's",
            partial(head_beside_encoder, name),
            on_device=True,
        )
        for name in HEADS
    ),
]

if __name__ == "__main__":
    main(dict(head_step=COMPARISONS))
