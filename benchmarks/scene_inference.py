"""What whole scenes cost beside the model: time over bare forward passes, beside mmseg's slide mode, and memory.

Everything but Salinas-A (under MMHSI_DATA) is generated. Times are seconds of the processor on one thread.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import unittest.mock
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import rasterio
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from rasterio.windows import Window
from torch import Tensor, nn

from mmhsi.inference import SceneInferencer, SceneWarning
from mmhsi.io import HSICube, read_cube, write_cube
from mmhsi.registry import MODELS
from mmhsi.utils.cli import quiet_imports
from mmhsi.utils.memory import keep_freed_memory


@MODELS.register_module()
class Convolution(nn.Module):
    """A tiny backbone: one 3 x 3 convolution."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Give one map."""
        return (self.conv(x),)


def inferencer(folder: Path, model: dict, bands: int, classes: int, window: int, batch: int) -> SceneInferencer:
    """A model with random weights as if it had been trained."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        built = MODELS.build(model)
    used = list(range(bands))
    meta = dict(classes=[f"class {k}" for k in range(classes)], bands=used, file_bands=bands, window=[window, window])
    torch.save(dict(state_dict=built.state_dict(), meta=dict(dataset_meta=meta)), folder / "model.pth")
    return SceneInferencer(Config(dict(model=model)), folder / "model.pth", batch_size=batch)


def pixel_model(backbone: dict, channels: int, bands: int) -> dict:
    """A pixel classifier of 6 classes."""
    return dict(
        type="PixelClassifier",
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands, mean=[1500.0] * bands, std=[900.0] * bands),
        backbone=dict(in_channels=bands, **backbone),
        neck=dict(type="CentreContext"),
        head=dict(
            type="mmpretrain.LinearClsHead",
            in_channels=channels,
            num_classes=6,
            loss=dict(type="mmpretrain.CrossEntropyLoss"),
        ),
    )


def segment_model(backbone: dict, in_channels: int | list[int], bands: int, classes: int, **head: object) -> dict:
    """A segmentor."""
    return dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="TilePreprocessor", num_bands=bands, mean=[1500.0] * bands, std=[900.0] * bands),
        backbone=dict(in_channels=bands, **backbone),
        decode_head=dict(in_channels=in_channels, num_classes=classes, loss_decode=LOSS, **head),
        test_cfg=dict(mode="slide", crop_size=(64, 64), stride=(32, 32)),
    )


LOSS = dict(type="CrossEntropyLoss")
FCN = dict(type="mmseg.FCNHead", channels=8, in_index=0, num_convs=0, concat_input=False)
LINEAR = dict(type="MultiscaleLinearHead", in_index=[0])


def seconds(job: Callable[[], object]) -> float:
    """Seconds of the processor that a job takes."""
    start = time.process_time()
    job()
    return time.process_time() - start


def over_bare(title: str, scene: Path, model: SceneInferencer, rounds: int) -> None:
    """A map of a scene beside the same windows' forward passes on batches that are ready."""
    batches: list[tuple[int, ...]] = []
    call = type(model.model).__call__
    out = scene.with_suffix(".map.tif")

    def counted(self: object, x: Tensor) -> Tensor:
        batches.append(tuple(x.shape))
        return call(self, x)

    def mapped() -> None:
        batches.clear()
        with unittest.mock.patch.object(type(model.model), "__call__", counted):
            model.write_map(scene, out)

    @torch.inference_mode()
    def bare() -> None:
        for shape in batches:
            model.model(ready[shape])

    times = np.empty((rounds, 2))
    for index in range(rounds):
        times[index, 0] = seconds(mapped)
        ready = {shape: torch.randn(shape) for shape in set(batches)}
        times[index, 1] = seconds(bare)
    ratios = times[:, 0] / times[:, 1]
    windows = sum(shape[0] for shape in batches)
    print(
        f"{title}: {windows} windows, {np.median(times[:, 0]):.1f} s beside {np.median(times[:, 1]):.1f} s of bare "
        f"forward passes; ratio {np.median(ratios):.3f} ({ratios.min():.3f} to {ratios.max():.3f}), goal at most 1.10",
        flush=True,
    )


def overhead(folder: Path, rounds: int, rows: int | None) -> None:
    """Pixels of Salinas-A by SST and HSIViT, 64 x 64 windows of a generated scene by HSIViT."""
    salinas = Path(os.environ.get("MMHSI_DATA", "data")) / "salinas_a/SalinasA_corrected.mat"
    copy = folder / "salinas.tif"
    write_cube(copy, HSICube(read_cube(salinas).data[:rows]))
    vit = pixel_model(dict(type="HSIViT", arch="tiny", img_size=15, patch_size=3), 256, 204)
    over_bare("HSIViT tiny, 15x15x204 windows of Salinas-A", copy, inferencer(folder, vit, 204, 6, 15, 512), rounds)
    sst = pixel_model(dict(type="SST", arch="tiny", patch_size=5, bands_per_block=12), 96, 204)
    over_bare("SST tiny, patch 5 x 5 x 12, likewise", copy, inferencer(folder, sst, 204, 6, 15, 64), rounds)
    scene = folder / "scene.tif"
    write_cube(scene, HSICube(np.random.default_rng(0).integers(0, 3000, (512, 512, 32)).astype(np.uint16)))
    for arch, dims in (("small", 384), ("tiny", 128)):
        tiles = segment_model(dict(type="HSIViT", arch=arch, img_size=64, patch_size=8), [dims], 32, 20, **LINEAR)
        vit = inferencer(folder, tiles, 32, 20, 64, 16)
        over_bare(f"HSIViT {arch}, 64x64x32 windows, stride 32, 20 classes", scene, vit, rounds)


def beside_slide(folder: Path, rounds: int) -> None:
    """Time outside the model beside mmseg's slide mode: 1024 x 1024 x 32, 20 classes, crop 64, stride 32."""
    scene = folder / "scene.tif"
    data = np.random.default_rng(0).integers(0, 3000, (1024, 1024, 32)).astype(np.uint16)
    write_cube(scene, HSICube(data))
    model = inferencer(folder, segment_model(dict(type="Convolution", channels=8), 8, 32, 20, **FCN), 32, 20, 64, 16)
    network = model.model.network
    inside = [0.0]
    forward = network.encode_decode

    def timed(x: Tensor, metas: list[dict]) -> Tensor:
        start = time.process_time()
        result = forward(x, metas)
        inside[0] += time.process_time() - start
        return result

    network.encode_decode = timed

    def outside(job: Callable[[], object]) -> float:
        inside[0] = 0.0
        return seconds(job) - inside[0]

    @torch.inference_mode()
    def slide() -> None:
        x = torch.from_numpy(data).permute(2, 0, 1)[None]
        x = network.data_preprocessor.normalise(x)
        network.slide_inference(x, [dict(img_shape=(1024, 1024), ori_shape=(1024, 1024))]).argmax(1)

    pairs = np.array(
        [[outside(slide), outside(lambda: model.write_map(scene, folder / "map.tif"))] for _ in range(rounds)]
    )
    ratios = pairs[:, 0] / pairs[:, 1]
    print(
        f"outside the model: {np.median(pairs[:, 1]):.2f} s from file to map, mmseg's slide mode in memory "
        f"{np.median(pairs[:, 0]):.1f} s; ratio {np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f}), "
        "goal at least 10",
        flush=True,
    )


def memory(folder: Path) -> None:
    """Peak memory of processes that map scenes of 5,000 and of 20,000 rows, 2,000 columns and 32 bands."""
    inferencer(folder, segment_model(dict(type="Convolution", channels=8), 8, 32, 20, **FCN), 32, 20, 64, 16)
    peaks = {}
    for rows in (5000, 20000):
        scene = folder / "big.tif"
        rng = np.random.default_rng(0)
        tiles = dict(tiled=True, blockxsize=256, blockysize=256, BIGTIFF="YES")
        with rasterio.open(scene, "w", "GTiff", 2000, rows, 32, dtype="uint16", **tiles) as file:
            for row in range(0, rows, 256):
                count = min(256, rows - row)
                block = rng.integers(0, 3000, (32, count, 2000), dtype=np.uint16)
                file.write(block, window=Window(0, row, 2000, count))
        size = scene.stat().st_size / 1e9
        start = time.monotonic()
        command = [sys.executable, __file__, "--peak", str(folder)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        peaks[rows] = int(printed.split()[-1]) / 2**20
        print(
            f"{rows} x 2000 x 32 uint16 GeoTIFF, {size:.2f} GB: peak RSS {peaks[rows]:.2f} GiB, goal at most 1.5; "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )
        scene.unlink()
    print(f"20,000 rows beside 5,000: {peaks[20000] / peaks[5000]:.3f} of the memory, goal at most 1.05", flush=True)


def peak(folder: Path) -> None:
    """Map a scene with all outputs and print the peak memory of this process."""
    keep_freed_memory()
    model = segment_model(dict(type="Convolution", channels=8), 8, 32, 20, **FCN)
    again = SceneInferencer(Config(dict(model=model)), folder / "model.pth", batch_size=16)
    again.write_map(folder / "big.tif", folder / "big_map.tif", uncertainty=folder / "big_entropy.tif")
    print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["overhead", "slide", "memory"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, help="first rows of Salinas-A alone, for a quicker look (default: all 83)")
    parser.add_argument("--peak", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    quiet_imports()
    warnings.simplefilter("ignore", SceneWarning)
    warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
    torch.set_num_threads(1)
    if args.peak:
        peak(args.peak)
        return
    keep_freed_memory()
    for name, part in (
        ("slide", lambda folder: beside_slide(folder, args.rounds)),
        ("overhead", lambda folder: overhead(folder, args.rounds, args.rows)),
        ("memory", memory),
    ):
        if args.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                part(Path(folder))


if __name__ == "__main__":
    main()
