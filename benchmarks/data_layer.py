"""How fast and how lean samples come: the data layer beside the usual ways, in one run.

Everything is generated; A and B alternate, each pinned to one thread, and ratios are medians over the rounds.
"""

import argparse
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import rasterio
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader, Dataset, default_collate

from mmhsi.datasets import SceneDataset, TileDataset
from mmhsi.io import write_class_map
from mmhsi.models import ScenePreprocessor
from mmhsi.utils.cli import quiet_imports
from mmhsi.utils.memory import keep_freed_memory


def alternate(rounds: int, first: Callable[[], int], second: Callable[[], int]) -> tuple[list[float], list[float]]:
    """Items a second of two jobs, run in turn after one round that is not counted."""
    rates: tuple[list[float], list[float]] = ([], [])
    for index in range(rounds + 1):
        for job, found in zip((first, second), rates, strict=True):
            start = time.perf_counter()
            items = job()
            if index:
                found.append(items / (time.perf_counter() - start))
    return rates


def report(title: str, unit: str, ours: list[float], others: list[float], goal: float) -> None:
    """Print medians, the ratio and its spread."""
    ratios = np.array(ours) / np.array(others)
    print(
        f"{title}: {np.median(ours):.0f} against {np.median(others):.0f} {unit}/s, "
        f"ratio {np.median(ratios):.2f} ({ratios.min():.2f} to {ratios.max():.2f}), goal {goal}",
        flush=True,
    )


class WholeTileThenCrop(Dataset):
    """What a remote-sensing loader of mmseg does: read the whole raster, transpose it, crop."""

    def __init__(self, images: list[str], labels: list[str], length: int) -> None:
        self.images, self.labels, self.length = images, labels, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        which = index % len(self.images)
        with rasterio.open(self.images[which]) as file:
            image = np.einsum("ijk->jki", file.read())
        with rasterio.open(self.labels[which]) as file:
            labels = file.read(1)
        row, column = np.random.randint(449, size=2)  # noqa: NPY002
        image = image[row : row + 64, column : column + 64]
        cut = labels[row : row + 64, column : column + 64]
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), torch.from_numpy(cut)


class ElsewhereUntouched:
    """A job that runs in a forked process, whenever it is called."""

    def __init__(self, job: Callable[[], int]) -> None:
        self.here, there = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(target=self._serve, args=(there, job), daemon=True)
        self.process.start()

    @staticmethod
    def _serve(pipe: Connection, job: Callable[[], int]) -> None:
        while pipe.recv():
            pipe.send(job())

    def __call__(self) -> int:
        """Run the job once."""
        self.here.send(True)
        return self.here.recv()

    def close(self) -> None:
        """End the process."""
        self.here.send(False)
        self.process.join()


def tile_windows(folder: Path, rounds: int) -> None:
    """Random 64 x 64 windows from 512 x 512 x 32 uint16 GeoTIFFs."""
    rng = np.random.default_rng(0)
    (folder / "image").mkdir()
    (folder / "label").mkdir()
    for index in range(16):
        data = rng.integers(0, 10000, (512, 512, 32)).astype(np.uint16)
        transform = rasterio.transform.from_origin(0, 0, 10, 10)
        with rasterio.open(
            folder / f"image/{index}.tif", "w", "GTiff", 512, 512, 32, dtype="uint16", transform=transform
        ) as file:
            file.write(data.transpose(2, 0, 1))
        labels = rng.integers(0, 25, (512, 512)).astype(np.uint8)
        names = [str(label) for label in range(25)]
        write_class_map(folder / f"label/{index}.tif", labels, class_names=names, palette=[(0, 0, 0)] * 25)
    pipeline = [
        dict(type="RandomReadWindow", size=64),
        dict(type="LoadCube"),
        dict(type="LoadLabels"),
        dict(type="PackTile"),
    ]
    classes = [str(label) for label in range(1, 25)]
    ours = TileDataset(
        data_root=str(folder),
        image_dir="image",
        label_dir="label",
        classes=classes,
        label_ids=range(1, 25),
        pipeline=pipeline,
    )
    ours = torch.utils.data.ConcatDataset([ours] * 16)
    paths = [[str(folder / kind / f"{index}.tif") for index in range(16)] for kind in ("image", "label")]
    whole = WholeTileThenCrop(*paths, len(ours))
    for workers in (0, 2):
        keep = dict(batch_size=32, num_workers=workers, persistent_workers=workers > 0)
        loaders = (DataLoader(ours, collate_fn=pseudo_collate, **keep), DataLoader(whole, **keep))
        rates = alternate(rounds, *(lambda loader=loader: len(list(loader)) * 32 for loader in loaders))
        report(f"64x64 windows of 512x512x32 GeoTIFFs, {workers} workers", "windows", *rates, goal=5)


class PatchPerItem(Dataset):
    """The usual dataset: one window sliced from the padded cube an item."""

    def __init__(self, cube: np.ndarray, window: int, pixels: np.ndarray) -> None:
        half = window // 2
        self.cube = np.pad(cube, ((half, half), (half, half), (0, 0)), mode="reflect")
        self.window, self.pixels, self.width = window, pixels, cube.shape[1]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        row, column = divmod(int(self.pixels[index]), self.width)
        patch = self.cube[row : row + self.window, column : column + self.window]
        patch = (patch.astype(np.float32) - self.mean) / self.std
        return torch.from_numpy(patch.transpose(2, 0, 1).copy()), 0


def pixel_windows(folder: Path, rounds: int) -> None:
    """Normalised 15 x 15 x 204 windows around pixels in batches of 256."""
    cube = np.random.default_rng(0).integers(0, 9000, (256, 256, 204)).astype(np.int16)
    np.save(folder / "scene.npy", cube)
    ours = SceneDataset(image="scene.npy", data_root=folder, window=15, subset="all", stride=3)
    statistics = ours.band_statistics()
    mean, std = statistics.mean.astype(np.float32), statistics.std.astype(np.float32)
    preprocessor = ScenePreprocessor(204, mean.tolist(), std.tolist())
    item = PatchPerItem(cube, 15, ours.pixels)
    item.mean, item.std = mean, std
    keep = dict(batch_size=256, shuffle=True, drop_last=True)
    gathered, sliced = (
        DataLoader(ours, collate_fn=pseudo_collate, **keep),
        DataLoader(item, collate_fn=default_collate, **keep),
    )

    def ours_once() -> int:
        return sum(len(preprocessor(batch)["inputs"]) for batch in gathered)

    def items_once() -> int:
        return sum(len(batch) for batch, _ in sliced)

    usual = ElsewhereUntouched(items_once)  # forked before this process changes how it keeps memory
    keep_freed_memory()
    rates = alternate(rounds, ours_once, usual)
    usual.close()
    report("15x15x204 windows in batches of 256", "windows", *rates, goal=5)
    rates = alternate(rounds, ours_once, items_once)
    report("the same, the other given mmhsi's memory setting too", "windows", *rates, goal=5)

    # The same bytes as the batches hold, copied once from a block larger than any cache.
    size = 15 * 15 * 204 * 4 * len(gathered) * 256
    source = torch.ones(size // 4)
    target = torch.empty_like(source)

    def copy() -> int:
        target.copy_(source)
        return size

    def bytes_once() -> int:
        return sum(batch["inputs"].numel() * 4 for batch in map(preprocessor, gathered))

    report("the same, beside a plain copy of memory", "bytes", *alternate(rounds, bytes_once, copy), goal=0.5)


def big_scene(folder: Path) -> None:
    """Peak memory of processes that iterate over tiles of a 2075 x 2890 x 116 float32 scene (2.8 GB), .npy and .tif."""
    shape = (2075, 2890, 116)
    scene = np.lib.format.open_memmap(folder / "big.npy", "w+", np.float32, shape)
    options = dict(dtype="float32", tiled=True, blockxsize=128, blockysize=128, interleave="pixel", BIGTIFF="YES")
    transform = rasterio.transform.from_origin(0, 0, 10, 10)
    rng = np.random.default_rng(0)
    with rasterio.open(folder / "big.tif", "w", "GTiff", 2890, 2075, 116, transform=transform, **options) as file:
        for row in range(0, 2075, 128):
            rows = rng.random((min(128, 2075 - row), 2890, 116), dtype=np.float32)
            scene[row : row + 128] = rows
            file.write(rows.transpose(2, 0, 1), window=rasterio.windows.Window(0, row, 2890, len(rows)))
    scene.flush()
    del scene
    for path in (folder / "big.npy", folder / "big.tif"):
        command = [sys.executable, __file__, "--iterate", str(path)]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        for process, kibibytes in map(str.split, printed[-2:]):
            size = int(kibibytes) / 2**20
            print(
                f"2.8 GB {path.suffix} as 128x128 tiles, {process}: peak RSS {size:.2f} GiB, goal below 1", flush=True
            )


def iterate(path: Path) -> None:
    """Iterate over a scene's tiles with two workers and print the peak memory of each kind of process."""
    pipeline = [dict(type="LoadCube"), dict(type="PackTile")]
    data = TileDataset(
        data_root=str(path.parent), image=path.name, window=128, turns=(0, 1, 3), with_labels=False, pipeline=pipeline
    )
    data.full_init()
    for _ in DataLoader(data, batch_size=8, num_workers=2, collate_fn=pseudo_collate):
        pass
    # Not RUSAGE_SELF, which remembers the process that this one was forked from.
    print("parent", Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
    print("worker", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["tiles", "pixels", "big"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--iterate", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    quiet_imports()
    torch.set_num_threads(1)
    with DefaultScope.overwrite_default_scope("mmhsi"), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.iterate:
            iterate(args.iterate)
            return
        if args.only in (None, "pixels"):
            pixel_windows(folder, args.rounds)
        if args.only in (None, "tiles"):
            tile_windows(folder, args.rounds)
        if args.only in (None, "big"):
            big_scene(folder)


if __name__ == "__main__":
    main()
