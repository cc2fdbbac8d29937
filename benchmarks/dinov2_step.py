"""A step of DINOv2 beside its bare parts: student forward and backward on all crops, teacher forward on global ones."""

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import torch
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

from mmhsi.engine.layer_decay_optim import LayerDecayOptimWrapperConstructor
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import MODELS
from mmhsi.utils.cli import quiet_imports

BACKBONES = {
    "HSIViT": dict(
        type="HSIViT",
        pos_embed="learned",
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=1e-5,
        with_mask_token=True,
    ),
    "SpatialSpectralViT": dict(type="SpatialSpectralViT", mode="paper"),
}


def build(backbone: str, arch: str, prototypes: int) -> DINOv2:
    """The dissertation's student and teacher."""
    model = MODELS.build(
        dict(
            type=DINOv2,
            backbone=dict(BACKBONES[backbone], in_channels=32, arch=arch, img_size=64, patch_size=8),
            head=dict(type="DINOHead", num_prototypes=prototypes),
        )
    )
    return model.train()


def bare_parts(model: DINOv2, views: list[torch.Tensor]) -> None:
    """What no implementation of the method can spare."""
    crops, local_crops = torch.cat(views[:2]), torch.cat(views[2:])
    with torch.no_grad():
        model.teacher.encode(crops)
    streams = [*model.student.encode(crops), *model.student.encode(local_crops)]
    sum(tokens.square().mean() for stream in streams for tokens in stream).backward()


def seconds(device: torch.device, work: Callable[[], None]) -> float:
    """Time of one call: of the one thread on a CPU, which other programs do not disturb; else the device's included."""
    if device.type == "cpu":
        start = time.process_time()
        work()
        return time.process_time() - start
    torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", choices=BACKBONES, default="HSIViT")
    parser.add_argument("--arch", default="base")
    parser.add_argument("--prototypes", type=int, default=65_536)
    parser.add_argument("--batch", type=int, default=4, help="images, each of 2 global and 8 local crops")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--bf16", action="store_true", help="autocast both sides to bfloat16")
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(args.device)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        model = build(args.backbone, args.arch, args.prototypes).to(device)
        optim = build_optim_wrapper(
            model,
            dict(
                constructor=LayerDecayOptimWrapperConstructor.__name__,
                optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.04, foreach=True),
                clip_grad=dict(max_norm=3.0),
                paramwise_cfg=dict(layer_decay_rate=0.9, norm_decay_mult=0.0),
            ),
        )
    views = [torch.randn(args.batch, 32, size, size, device=device) for size in (64, 64, *[32] * 8)]

    def bare() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            bare_parts(model, views)

    def learn() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            losses = model(views, mode="loss")
        sum(value for name, value in losses.items() if "loss" in name).backward()
        model.update_teacher(0.99)

    def round_() -> tuple[float, float, float]:
        parts = seconds(device, bare)
        optim.zero_grad()
        learning = seconds(device, learn)
        optimising = seconds(device, optim.step)
        optim.zero_grad()
        return parts, learning, optimising

    times = np.array([round_() for _ in range(args.rounds + 1)])[1:]
    ratios = times[:, 1] / times[:, 0]
    with_optimiser = (times[:, 1] + times[:, 2]) / times[:, 0]
    parts, learning, optimising = np.median(times, axis=0)
    print(f"{args.backbone} {args.arch}, batch {args.batch}, {args.prototypes} prototypes, {args.device}")
    print(f"bare parts {parts:.3f} s; with heads, losses, masks and EMA {learning:.3f} s; optimiser {optimising:.3f} s")
    print(f"ratio {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}), goal at most 1.15")
    print(
        f"with the optimiser {np.median(with_optimiser):.3f} ({with_optimiser.min():.3f} to {with_optimiser.max():.3f})"
    )
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated() / 2**30
        print(f"{args.batch / (learning + optimising):.0f} images/s, peak memory {memory:.1f} GiB")
    else:
        print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


if __name__ == "__main__":
    main()
