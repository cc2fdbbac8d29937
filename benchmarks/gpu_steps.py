"""The papers' large models on a GPU: samples a second, and the share of what its matrix products reach.

A training step is the loss, its gradients, clipping and AdamW on a batch that lies on the device. Its operations are
counted by torch (matrix products, convolutions, attention); the peak is that of large matrix products in the same
precision. Maps are measured from file to file, beside the bare forward passes on batches that lie on the device.

    python benchmarks/gpu_steps.py --write docs/benchmarks.md
    python benchmarks/gpu_steps.py --only "MAE ViT-B" --kernels 12
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from dinov2_step import BACKBONE, OPTIMISER
from mae_step import BANDS, SIDE, our_mae
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from scaling import flops
from scene_inference import LINEAR, inferencer, over_bare, packed_scene, segment_model
from side_by_side import Bench, date_and_commit, machine, prepare, replace_block
from torch.profiler import ProfilerActivity, profile

from mmhsi.engine.device import choose_device
from mmhsi.errors import ConfigError
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.models.selfsup.lo_msst import LOMSST

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn
    from torch.autograd.profiler_util import FunctionEventAvg

HEAD = (
    "| step | batch | precision | samples/s | TFLOP a step | TFLOP/s | of the peak | GPU busy | kernels | GiB |\n"
    "| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
MAP_HEAD = "| map | precision | pixels/s | time beside bare passes |\n| --- | --- | ---: | ---: |"
PRECISIONS = ("float32", "bfloat16", "bfloat16, compiled", "bfloat16, graphs")
"""In the last two the loss is compiled, in the last one with CUDA graphs (torch's mode ``reduce-overhead``)."""


@dataclass(frozen=True)
class Step:
    """A training step.

    Attributes:
        name: Of the model.
        batch: Samples a step.
        build: Gives the model and its loss on a batch of random samples, from the batch's size and the device.
        optimiser: Config of its optimiser's wrapper.
    """

    name: str
    batch: int
    build: Callable[[int, torch.device], tuple[nn.Module, Callable[[], Tensor]]]
    optimiser: dict[str, Any]


def total(losses: dict[str, Tensor]) -> Tensor:
    """Sum of what has loss in its name, which is what training steps on."""
    return torch.stack([value for name, value in losses.items() if "loss" in name]).sum()


def mae(batch: int, device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The dissertation's MAE."""
    model = our_mae().to(device)
    x = torch.randn(batch, BANDS, SIDE, SIDE, device=device)
    return model, lambda: total(model(x, mode="loss"))


def dinov2(arch: str, batch: int, device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The dissertation's DINOv2: 2 global views of 64 pixels, 8 local ones of 32."""
    model = DINOv2(backbone=dict(BACKBONE, arch=arch), head=dict(type="DINOHead", num_prototypes=65_536)).to(device)
    views = [torch.randn(batch, BANDS, size, size, device=device) for size in (64, 64, *[32] * 8)]

    def loss() -> Tensor:
        model.update_teacher(0.99)
        return total(model(views, mode="loss"))

    return model, loss


def lo_msst(masking: str, batch: int, device: torch.device) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The paper's LO-MSST on C2Seg."""
    model = LOMSST(
        backbone=dict(type="SST", arch="base", in_channels=116),
        masking=dict(type=masking, ratio=0.75),
        data_preprocessor=dict(type="TilePreprocessor", num_bands=116),
    ).to(device)
    x = torch.randn(batch, 116, 128, 128, device=device)
    valid = torch.ones(batch, 128, 128, dtype=torch.bool, device=device)
    return model, lambda: total(model(x, valid=valid, mode="loss"))


ADAMW = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.05, fused=True))
STEPS = [
    Step("MAE ViT-B, 64×64×32", 128, mae, ADAMW),
    Step("MAE ViT-B, 64×64×32", 1024, mae, ADAMW),
    Step("DINOv2 ViT-B, 2 + 8 views", 128, partial(dinov2, "base"), OPTIMISER),
    Step("LO-MSST Base, tubes, 116×128×128", 8, partial(lo_msst, "TubeMasking"), ADAMW),
    Step("LO-MSST Base, random, 116×128×128", 8, partial(lo_msst, "RandomMasking"), ADAMW),
    Step("LO-MSST Base, tubes, 116×128×128", 128, partial(lo_msst, "TubeMasking"), ADAMW),
]
MAPS = (("tiny", 128), ("base", 768))
"""Sizes of the HSIViT that maps are made with, and their width."""


def peak(precision: str, device: torch.device, size: int) -> float:
    """Operations a second of a product of two square matrices of normal numbers."""
    dtype = torch.float32 if precision == "float32" else torch.bfloat16
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / timed(lambda: a @ b, device, 10)


def timed(job: Callable[[], object], device: torch.device, rounds: int) -> float:
    """Median seconds of a job, after three that do not count."""
    times = []
    for _ in range(3 + rounds):
        wait(device)
        start = time.perf_counter()
        job()
        wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times[3:])


def wait(device: torch.device) -> None:
    """Wait for what was asked of the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def busy(job: Callable[[], object], device: torch.device, kernels: int) -> tuple[float, int]:
    """Share of a job's time in which the device computes, and the number of its kernels; prints the longest of them."""
    wait(device)
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as trace:
        start = time.perf_counter()
        job()
        wait(device)
        seconds = time.perf_counter() - start
    events = trace.key_averages()
    mine = [event for event in events if event.device_type == torch.autograd.DeviceType.CUDA and "#" not in event.key]
    if kernels:
        longest = sorted(mine, key=spent, reverse=True)[:kernels]
        waits = ", ".join(f"{event.key} {event.count}" for event in events if event.key in WAITS)
        print(*(line(event, seconds) for event in longest), f"  the host may wait: {waits}", sep="\n", flush=True)
    return sum(map(spent, mine)) / 1e6 / seconds, sum(event.count for event in mine)


WAITS = (
    "cudaStreamSynchronize",
    "cudaDeviceSynchronize",
    "cudaMemcpyAsync",
    "aten::_local_scalar_dense",
    "aten::nonzero",
)
"""What makes the host wait, or may."""


def spent(event: FunctionEventAvg) -> float:
    """Microseconds of a kernel itself."""
    return event.self_device_time_total


def line(event: FunctionEventAvg, seconds: float) -> str:
    """A kernel: its share of a step, number and name."""
    return f"  {spent(event) / 1e4 / seconds:5.1f} % {event.count:5d} × {str(event.key)[:100]}"


def row(step: Step, precision: str, device: torch.device, rounds: int, peaks: dict[str, float], kernels: int) -> str:
    """Measure a step in a precision."""
    model, loss = step.build(step.batch, device)
    model.train()
    optimiser = build_optim_wrapper(model, step.optimiser)
    cast = torch.autocast(device.type, torch.bfloat16) if "bfloat16" in precision else contextlib.nullcontext()

    def learn() -> None:
        with cast:
            value = loss()
        optimiser.update_params(value)

    operations = flops(learn)
    if "," in precision:
        torch._dynamo.reset()  # a compiled step of another size asks for one of any size
        mode = "reduce-overhead" if "graphs" in precision else None
        model.forward = torch.compile(model.forward, mode=mode)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = timed(learn, device, rounds)
    memory = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else float("nan")
    share, count = busy(learn, device, kernels)
    rate = operations / seconds
    cells = (
        step.name,
        f"{step.batch:,}",
        precision,
        f"{step.batch / seconds:,.0f}",
        f"{operations / 1e12:.2f}",
        f"{rate / 1e12:.0f}",
        f"{100 * rate / peaks[precision.split(',')[0]]:.0f} %",
        f"{100 * share:.0f} %",
        f"{count:,}",
        f"{memory:.1f}",
    )
    return f"| {' | '.join(cells)} |"


def map_row(arch: str, width: int, side: int, amp: bool, device: torch.device) -> str:
    """Measure maps of a scene of 64×64 windows, stride 32: the median of three beside that of bare passes."""
    model = segment_model(dict(type="HSIViT", arch=arch, img_size=64, patch_size=8), [width], 32, 20, **LINEAR)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = packed_scene(folder, side, side, 32)
        mapper = inferencer(folder, model, 32, 20, 64, 256, str(device), amp=amp)
        both = over_bare(scene, mapper, Bench(folder, False, device))
        pairs = [[measure() for measure in both] for _ in range(4)][1:]
    whole, bare = (statistics.median(figures) for figures in zip(*pairs, strict=True))
    name = f"HSIViT {arch}, patch 8, {side}×{side}×32, stride 32"
    return f"| {name} | {'bfloat16' if amp else 'float32'} | {side**2 / whole:,.0f} | {whole / bare:.2f} |"


def main(arguments: list[str] | None = None) -> None:
    """Measure the steps and print their table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="steps with this in their name")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS, help="(default: all)")
    parser.add_argument("--device", default="cuda", help="(default: cuda)")
    parser.add_argument("--rounds", type=int, default=10, help="steps that count (default: 10)")
    parser.add_argument("--kernels", type=int, default=0, metavar="N", help="print the N kernels that take longest")
    parser.add_argument("--batch", type=int, help="in place of the papers'")
    parser.add_argument("--side", type=int, default=2048, help="of the scene that is mapped (default: 2048)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the rows into this page")
    args = parser.parse_args(arguments)
    steps = [step for step in STEPS if args.only in step.name]
    if not steps:
        parser.error(f"--only {args.only}: no such step; has {'; '.join(step.name for step in STEPS)}")
    if args.write and (len(steps) < len(STEPS) or set(args.precisions) < set(PRECISIONS)):
        parser.error("--only and --precisions with --write would take the other rows out of the page")
    try:
        device = choose_device(args.device)
    except ConfigError as error:
        parser.error(f"--device {args.device}: {error}")
    prepare()
    size = 8192 if device.type == "cuda" else 256
    peaks = {precision: peak(precision, device, size) for precision in ("float32", "bfloat16")}
    reached = ", ".join(f"{name} {rate / 1e12:,.1f}" for name, rate in peaks.items())
    where = (
        f"{machine(args.device)} {date_and_commit()}. Matrix products of {size}×{size} reach, in TFLOP/s: {reached}."
    )
    rows: list[str] = []
    print(where, HEAD, sep="\n\n", flush=True)
    for step in steps:
        asked = replace(step, batch=args.batch or step.batch)
        for precision in args.precisions:
            with DefaultScope.overwrite_default_scope("mmhsi"):
                rows.append(row(asked, precision, device, args.rounds, peaks, args.kernels))
            print(rows[-1], flush=True)
            if device.type == "cuda":
                torch.cuda.empty_cache()
    print("", MAP_HEAD, sep="\n", flush=True)
    maps = []
    for (arch, width), amp in itertools.product(MAPS, (False, True)):
        maps.append(map_row(arch, width, args.side, amp, device))
        print(maps[-1], flush=True)
    if args.write:
        replace_block(args.write, "gpu-steps", "\n".join([where, "", HEAD, *rows, "", MAP_HEAD, *maps]) + "\n")


if __name__ == "__main__":
    main()
