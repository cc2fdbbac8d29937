"""Segmentation with ViT-B at 64 x 64 x 32: a frozen encoder's step beside a trained one's, and what each head costs."""

import argparse
import time

import numpy as np
import torch
from mmengine.registry import DefaultScope
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn

from mmhsi.registry import MODELS
from mmhsi.utils.cli import quiet_imports

BANDS, SIDE, PATCH, CLASSES, WIDTH = 32, 64, 8, 24, 768
LOSS = dict(type="CrossEntropyLoss")
ALL = dict(in_channels=[WIDTH] * 4, in_index=[0, 1, 2, 3], num_classes=CLASSES, loss_decode=LOSS)
LAST = dict(in_channels=WIDTH, in_index=3, num_classes=CLASSES, loss_decode=LOSS)
HEADS = {
    "linear": dict(type="MultiscaleLinearHead", **ALL),
    "CNN": dict(type="CNNHead", **LAST),
    "UNet": dict(type="UNetHead", **ALL),
    "Segmenter": dict(
        type="mmseg.SegmenterMaskTransformerHead",
        channels=WIDTH,
        embed_dims=WIDTH,
        num_layers=2,
        num_heads=12,
        dropout_ratio=0.0,
        **LAST,
    ),
}


def segmentor(head: dict, frozen: bool) -> nn.Module:
    """ViT-B under a head, in training mode."""
    sizes = dict(in_channels=BANDS, img_size=SIDE, patch_size=PATCH)
    model = dict(
        type="EncoderDecoder",
        frozen=frozen,
        backbone=dict(type="HSIViT", arch="base", out_indices=(8, 9, 10, 11), **sizes),
        decode_head=head,
        test_cfg=dict(mode="whole"),
    )
    with DefaultScope.overwrite_default_scope("mmhsi"):
        return MODELS.build(model).train()


class Step:
    """A training step on one random batch, in seconds of the processor: on one thread others' work does not count."""

    def __init__(self, head: dict, frozen: bool, batch: int) -> None:
        self.model = segmentor(head, frozen)
        self.optimiser = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-4)
        self.x = torch.randn(batch, BANDS, SIDE, SIDE)
        labels = torch.randint(0, CLASSES, (batch, 1, SIDE, SIDE))
        self.samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]

    def seconds(self) -> float:
        """Run it."""
        start = time.process_time()
        losses = self.model(self.x, self.samples, mode="loss")
        sum(value for key, value in losses.items() if "loss" in key).backward()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return time.process_time() - start

    @torch.inference_mode()
    def forward_parts(self) -> tuple[float, float]:
        """Seconds of the encoder's and of the head's forward pass."""
        start = time.process_time()
        maps = self.model.backbone(self.x)
        middle = time.process_time()
        self.model.decode_head(maps)
        return middle - start, time.process_time() - middle


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch", type=int, default=4)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    frozen, trained = (Step(HEADS["linear"], kind, args.batch) for kind in (True, False))
    times = np.array([[frozen.seconds(), trained.seconds()] for _ in range(args.rounds + 1)])[1:]
    ratios = times[:, 0] / times[:, 1]
    print(
        f"linear head, frozen encoder's step beside a trained one's: {np.median(times[:, 0]):.2f} s beside "
        f"{np.median(times[:, 1]):.2f} s; ratio {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}), "
        "goal at most 0.5"
    )
    for name, head in HEADS.items():
        step = Step(head, True, args.batch)
        parts = np.array([step.forward_parts() for _ in range(args.rounds + 1)])[1:]
        shares = parts[:, 1] / parts[:, 0]
        print(
            f"{name}: head's forward {1e3 * np.median(parts[:, 1]):.1f} ms beside the encoder's "
            f"{1e3 * np.median(parts[:, 0]):.0f} ms; ratio {np.median(shares):.3f} "
            f"({shares.min():.3f} to {shares.max():.3f})"
        )


if __name__ == "__main__":
    main()
