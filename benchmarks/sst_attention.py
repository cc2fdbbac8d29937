"""What factorised attention saves and how fast its layers are: SST Base on 116 x 128 x 128 cubes, 7424 tokens.

One thread each. Speeds: A and B alternate, ratios are medians over the rounds. Memory: the peak RSS of a fresh process
over one forward and backward pass, less what it held before (Linux only).
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from mmhsi.models.backbones.sst import SST
from mmhsi.models.layers.transformer_layer import TransformerLayer
from mmhsi.utils.cli import quiet_imports

BLOCKS, PLACES = 29, 256
BACKENDS = {"flash": SDPBackend.FLASH_ATTENTION, "math": SDPBackend.MATH}


def alternate(title: str, unit: str, items: int, rounds: int, first: Callable, second: Callable, goal: str) -> None:
    """Run two jobs in turn, after one round that is not counted, and print their rates and ratio."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for index in range(rounds + 1):
        for job, found in zip((first, second), seconds, strict=True):
            start = time.perf_counter()
            job()
            if index:
                found.append(time.perf_counter() - start)
    ours, others = (items / np.array(found) for found in seconds)
    ratios = ours / others
    print(
        f"{title}: {np.median(ours):.4g} against {np.median(others):.4g} {unit}/s, ratio {np.median(ratios):.2f} "
        f"({ratios.min():.2f} to {ratios.max():.2f}), goal {goal}",
        flush=True,
    )


def layer_speed(rounds: int) -> None:
    """Our layer beside torch's of the same shape: d 48, 4 heads of 12, MLP 192."""
    for stage, shape in {"spatial": (BLOCKS, PLACES, 48), "spectral": (PLACES, BLOCKS, 48)}.items():
        x = torch.randn(shape, requires_grad=True)
        ours = TransformerLayer(embed_dims=48, num_heads=4, head_dims=12, feedforward_channels=192)
        torchs = nn.TransformerEncoderLayer(48, 4, 192, 0.0, "gelu", batch_first=True, norm_first=True)

        def both_ways(layer: nn.Module, x: torch.Tensor = x) -> None:
            layer(x).sum().backward()

        alternate(
            f"{stage} layer {shape[:2]}, forward + backward, beside nn.TransformerEncoderLayer",
            "tokens",
            BLOCKS * PLACES,
            rounds,
            lambda layer=ours: both_ways(layer),
            lambda layer=torchs: both_ways(layer),
            goal=">= 1",
        )


def skipping(rounds: int) -> None:
    """Four of eight layers pruned, two of each stage, beside none."""
    whole, pruned = SST(116).eval(), SST(116).eval()
    for stage in pruned.prunable_stages().values():
        stage.set_pruned((0, 1))
    x = torch.randn(1, 116, 128, 128)
    with torch.no_grad():
        alternate(
            "SST Base forward, 4 of 8 layers pruned, beside none",
            "cubes",
            1,
            rounds,
            lambda: pruned(x),
            lambda: whole(x),
            goal=">= 1.5",
        )


def encode_jointly(model: SST, x: torch.Tensor, layers: int) -> torch.Tensor:
    """The same layers, each over all tokens of the cube at once."""
    tokens = model.embed(x)[0].flatten(1, 2)  # (B, G, N, d) -> (B, G·N, d)
    for layer in [*model.spatial_layers, *model.spectral_layers][:layers]:
        tokens = layer(tokens)
    return tokens


def measure(kind: str, layers: int) -> None:
    """Print MiB and seconds of one forward and backward pass; ``kind`` is factorised, flash or math."""
    torch.manual_seed(0)
    model = SST(116)
    model(torch.randn(1, 116, 16, 16))[0].sum().backward()  # what libraries allocate once is not counted
    x = torch.randn(1, 116, 128, 128)
    before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    start = time.perf_counter()
    if kind == "factorised":
        model.forward_tokens(x)[0].sum().backward()
    else:
        with sdpa_kernel(BACKENDS[kind]):
            encode_jointly(model, x, layers).sum().backward()
    seconds = time.perf_counter() - start
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before, seconds)


def memory() -> None:
    """Peak memory of the factorised form beside joint attention over 7424 tokens."""

    def peak(kind: str, layers: int = 8) -> tuple[float, float]:
        command = [sys.executable, __file__, "--measure", kind, "--layers", str(layers)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return float(printed[-2]), float(printed[-1])

    ours, seconds = peak("factorised")
    print(f"factorised, 8 layers, forward + backward: {ours:.0f} MiB, {seconds:.1f} s", flush=True)
    flash, seconds = peak("flash")
    print(f"joint, 8 layers, SDPA flash backend: {flash:.0f} MiB ({flash / ours:.1f}x), {seconds:.1f} s", flush=True)
    (one, first), (two, second) = peak("math", 1), peak("math", 2)
    whole = one + 7 * (two - one)
    print(
        f"joint, SDPA math backend: 1 layer {one:.0f} MiB, {first:.1f} s; 2 layers {two:.0f} MiB, {second:.1f} s; "
        f"8 layers extrapolated linearly {whole:.0f} MiB ({whole / ours:.0f}x), {first + 7 * (second - first):.0f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["memory", "layer", "skip"])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--measure", choices=["factorised", *BACKENDS], help=argparse.SUPPRESS)
    parser.add_argument("--layers", type=int, default=8, help=argparse.SUPPRESS)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    if args.measure:
        measure(args.measure, args.layers)
        return
    if args.only in (None, "layer"):
        layer_speed(args.rounds)
    if args.only in (None, "skip"):
        skipping(args.rounds)
    if args.only in (None, "memory"):
        memory()


if __name__ == "__main__":
    main()
