"""HSIViT-B beside mmpretrain's VisionTransformer: forward and backward at 64 x 64 x 32, in one run."""

import argparse
import time

import numpy as np
import torch
from mmpretrain.models.backbones import VisionTransformer

from mmhsi.models import HSIViT
from mmhsi.utils.cli import quiet_imports


def step(model: torch.nn.Module, x: torch.Tensor) -> float:
    """Seconds of a forward and a backward pass."""
    start = time.perf_counter()
    model(x)[0].square().mean().backward()
    model.zero_grad(set_to_none=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--batch", type=int, default=8)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    ours = HSIViT(in_channels=32, arch="base", img_size=64, patch_size=8)
    theirs = VisionTransformer(arch="base", in_channels=32, img_size=64, patch_size=8, out_type="featmap")
    x = torch.randn(args.batch, 32, 64, 64)
    times = np.array([[step(ours, x), step(theirs, x)] for _ in range(args.rounds + 1)])[1:]
    ratios = times[:, 0] / times[:, 1]
    print(
        f"HSIViT {np.median(times[:, 0]):.2f} s, VisionTransformer {np.median(times[:, 1]):.2f} s a step; "
        f"ratio {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}), goal at most 1.05"
    )


if __name__ == "__main__":
    main()
