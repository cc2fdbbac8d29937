"""How cost grows with bands, image, window and scene: exponents of power laws beside the ones that are expected.

All sizes of a sweep are measured in turn, round by round, in seconds of the processor on one thread; of each size the
least counts, since other work on a machine only adds. A straight line is fitted to the logarithms of the four largest
sizes.
"""

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import DefaultScope
from scene_inference import ONE_CONVOLUTION, inferencer, peak, write_scene
from scipy.stats import linregress
from side_by_side import date_and_commit, machine, prepare, replace_block, seconds
from sst_attention import encode_jointly
from torch.utils.flop_counter import FlopCounterMode

from mmhsi.models import HSIViT, SpatialSpectralViT
from mmhsi.models.backbones.sst import SST

Job = Callable[[], Any]
HEAD = (
    "| name | what grows | cost at these sizes | exponent ± standard error | by FLOPs | in the limit | why |\n"
    "| --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Sweep:
    """Cost against one size.

    Attributes:
        name: For ``--only`` and the table.
        what: What grows, all else fixed.
        sizes: Growing.
        job: Gives the work at a size, in a folder for its files; or, of memory, the measurement itself.
        limit: Exponent that the arithmetic gives for large sizes.
        why: The arithmetic.
        unit: ``'s'`` of work that is timed, ``'GiB'`` of a measurement, taken once.
    """

    name: str
    what: str
    sizes: Sequence[int]
    job: Callable[[int, Path], Job]
    limit: int
    why: str
    unit: str = "s"

    def row(self, rounds: int, folder: Path, quick: bool) -> str:
        """Measure all sizes and give a row of the table."""
        sizes = self.sizes[:3] if quick else self.sizes
        jobs = [self.job(size, folder) for size in sizes]
        timed = self.unit == "s"
        counted = [flops(job) for job in jobs] if timed else []  # warms up, too
        measures = [seconds(job) for job in jobs] if timed else jobs
        cost = np.min([[measure() for measure in measures] for _ in range(rounds if timed else 1)], axis=0)
        slope, error = exponent(sizes, cost)
        by_flops = f"{exponent(sizes, counted)[0]:.2f}" if timed else ""
        figures = ", ".join(f"{size}: {value:.2g}" for size, value in zip(sizes, cost, strict=True))
        cells = (f"`{self.name}`", self.what, f"{figures} {self.unit}", f"{slope:.2f} ± {error:.2f}", by_flops)
        return f"| {' | '.join(cells)} | {self.limit} | {self.why} |"


def exponent(sizes: Sequence[float], cost: Sequence[float]) -> tuple[float, float]:
    """Power of the size that the cost follows, and its standard error, from the four largest sizes."""
    line = linregress(np.log(sizes[-4:]), np.log(cost[-4:]))
    return line.slope, line.stderr


def flops(job: Job) -> int:
    """Floating-point operations of matrix products, convolutions and attention, backward pass included."""
    with FlopCounterMode(display=False) as counter:
        job()
    return counter.get_total_flops()


def step(model: torch.nn.Module, x: torch.Tensor, forward: Callable[..., torch.Tensor] | None = None) -> Job:
    """A forward and a backward pass."""

    def both_ways() -> None:
        (forward(model, x) if forward else model(x)[0]).sum().backward()
        model.zero_grad(set_to_none=True)

    return both_ways


def image(bands: int, side: int, batch: int = 1) -> torch.Tensor:
    """Random images."""
    return torch.randn(batch, bands, side, side)


def segmented(rows: int, folder: Path) -> Job:
    """Map a scene of 512 columns from file to file with one convolution."""
    scene = write_scene(folder / f"{rows}.tif", rows, 512, 32)
    model = inferencer(folder, ONE_CONVOLUTION, 32, 20, 64, 16)
    return lambda: model.write_map(scene, folder / "map.tif")


BANDS = (32, 64, 128, 256, 512)
SIDES = (64, 96, 128, 192, 256)
WINDOWS = (15, 21, 27, 39, 51)
ROWS = (512, 1024, 2048, 4096, 8192)
SWEEPS = [
    Sweep(
        "bands-sst",
        "bands of SST Base, 32×32 pixels (G = bands / 4 groups, N = 16 places)",
        BANDS,
        lambda bands, _: step(SST(bands), image(bands, 32)),
        2,
        "G·N tokens under maps of 67,000 products, linear; half the layers attend over G, 512·G products a token: "
        "less below G = 132",
    ),
    Sweep(
        "bands-sst-joint",
        "the same layers over all G·N tokens at once",
        BANDS,
        lambda bands, _: step(SST(bands), image(bands, 32), encode_jointly),
        2,
        "every token attends to G·N others: 512·G·N products outweigh the maps from G = 8 on",
    ),
    Sweep(
        "bands-hsi-vit",
        "bands of HSIViT small, 64×64 pixels",
        [2 * bands for bands in BANDS],
        lambda bands, _: step(HSIViT(bands, arch="small"), image(bands, 64)),
        1,
        "only the patch embedding knows bands: 24,576 products a band and token beside 21 million of the layers",
    ),
    Sweep(
        "bands-dual",
        "bands of SpatialSpectralViT tiny, 64×64 pixels (bands / 2 spectral tokens)",
        [2 * bands for bands in BANDS],
        lambda bands, _: step(SpatialSpectralViT(bands, arch="tiny"), image(bands, 64)),
        2,
        "the spectral stream is linear in its tokens until its attention outweighs, beyond 768 tokens; the spatial "
        "stream is constant but for its embedding",
    ),
    Sweep(
        "image-hsi-vit",
        "side of the image, HSIViT tiny, 32 bands",
        SIDES,
        lambda side, _: step(HSIViT(32, arch="tiny", img_size=side), image(32, side)),
        4,
        "(side / 8)² tokens: maps side², attention side⁴, which outweighs beyond 768 tokens (side 222)",
    ),
    Sweep(
        "image-sst",
        "side of the image, SST tiny, 32 bands",
        SIDES,
        lambda side, _: step(SST(32, arch="tiny"), image(32, side)),
        4,
        "8·(side / 8)² tokens; half the layers attend over places, the greater part beyond 288 (side 136)",
    ),
    Sweep(
        "window-hsi-vit",
        "side of the window, HSIViT tiny, patch 3, 204 bands, 16 windows",
        WINDOWS,
        lambda side, _: step(HSIViT(204, arch="tiny", img_size=side, patch_size=3), image(204, side, 16)),
        4,
        "(side / 3)² tokens, at most 289: attention outweighs beyond 768",
    ),
    Sweep(
        "window-sst",
        "side of the window, SST tiny, patch 3×3×12, 204 bands, 4 windows",
        WINDOWS,
        lambda side, _: step(SST(204, arch="tiny", patch_size=3, bands_per_block=12), image(204, side, 4)),
        4,
        "17·(side / 3)² tokens; half the layers attend over places, the greater part beyond 288",
    ),
    Sweep(
        "scene-time",
        "rows of a scene of 512 columns and 32 bands: map from file to file, one convolution",
        ROWS,
        segmented,
        1,
        "a scene is passed through in bands of rows, each window once",
    ),
    Sweep(
        "scene-memory",
        "the same: peak RSS of the process",
        [8 * rows for rows in ROWS],
        lambda rows, _: partial(peak, rows, 512),
        0,
        "one band of rows is in memory at a time, and GDAL's cache of blocks, at most 128 MB",
        unit="GiB",
    ),
]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [sweep.name for sweep in SWEEPS]
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="three sizes, one round: whether it runs, no figures")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace this page's table")
    args = parser.parse_args(arguments)
    if args.quick and args.write:
        parser.error("--quick measures nothing worth writing")
    if args.write and set(args.only) < set(names):
        parser.error("--only with --write would take the other sweeps out of the page")
    prepare()
    heading = f"{machine()} {date_and_commit()}; least of {args.rounds} rounds.\n\n{HEAD}\n"
    print(heading, end="", flush=True)
    rows = ""
    for sweep in SWEEPS:
        if sweep.name in args.only:
            with DefaultScope.overwrite_default_scope("mmhsi"), tempfile.TemporaryDirectory() as folder:
                rows += sweep.row(1 if args.quick else args.rounds, Path(folder), args.quick) + "\n"
            print(rows.splitlines()[-1], flush=True)
    if args.write:
        replace_block(args.write, "scaling", heading + rows)


if __name__ == "__main__":
    main()
