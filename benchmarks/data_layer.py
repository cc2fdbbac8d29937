"""How fast and how lean samples come: the data layer beside the usual ways. Everything is generated."""

import resource
import time
from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from side_by_side import Bench, Comparison, Measure, main, other_process, peak_memory, per_second
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, default_collate

from mmhsi.datasets import SceneDataset, TileDataset, collate_pixels
from mmhsi.datasets.transforms import LoadCube
from mmhsi.io import write_class_map
from mmhsi.models import CNN2D, CenterContext, ScenePreprocessor, attach_scenes
from mmhsi.models.preprocessors import dihedral


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
        row, column = np.random.randint(len(labels) - 63, size=2)  # noqa: NPY002
        image = image[row : row + 64, column : column + 64]
        cut = labels[row : row + 64, column : column + 64]
        return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1))), torch.from_numpy(cut)


def write_tiles(folder: Path, count: int, side: int) -> None:
    """Square tiles of 32 bands, uint16 GeoTIFF, with label maps of 25 classes."""
    rng = np.random.default_rng(0)
    (folder / "image").mkdir()
    (folder / "label").mkdir()
    names = [str(label) for label in range(25)]
    options = dict(dtype="uint16", transform=rasterio.transform.from_origin(0, 0, 10, 10))
    for index in range(count):
        with rasterio.open(folder / f"image/{index}.tif", "w", "GTiff", side, side, 32, **options) as file:
            file.write(rng.integers(0, 10000, (32, side, side), dtype=np.uint16))
        labels = rng.integers(0, 25, (side, side)).astype(np.uint8)
        write_class_map(folder / f"label/{index}.tif", labels, class_names=names, palette=[(0, 0, 0)] * 25)


def tile_windows(workers: int, bench: Bench) -> tuple[Measure, Measure]:
    """Random 64 x 64 windows from 16 tiles of 512 x 512 x 32, 16 a tile."""
    folder, count = bench.folder, bench.size(16, 2)
    write_tiles(folder, count, bench.size(512, 96))
    steps = [dict(type=name) for name in ("LoadCube", "LoadLabels", "PackTile")]
    pipeline: list[dict] = [dict(type="RandomReadWindow", size=64), *steps]
    table = dict(label_ids=range(1, 25), classes=[str(label) for label in range(1, 25)])
    folders: dict[str, Any] = dict(data_root=str(folder), image_dir="image", label_dir="label")
    ours: ConcatDataset = ConcatDataset([TileDataset(table, pipeline=pipeline, **folders)] * 16)
    images, labels = ([str(folder / kind / f"{index}.tif") for index in range(count)] for kind in ("image", "label"))
    keep: dict[str, Any] = dict(batch_size=32, num_workers=workers, persistent_workers=workers > 0)
    whole = WholeTileThenCrop(images, labels, len(ours))
    first, second = DataLoader(ours, collate_fn=pseudo_collate, **keep), DataLoader(whole, **keep)
    clock = time.perf_counter if workers else time.process_time  # workers are processes of their own
    return per_second(lambda: len(list(first)) * 32, clock), per_second(lambda: len(list(second)) * 32, clock)


@cache
def kept_open(paths: tuple[str, ...]) -> list[rasterio.DatasetReader]:
    """All files, open in this process, with the cache that GDAL takes, 5 % of the memory."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    return [rasterio.open(path) for path in paths]


def rate_kept_open(paths: tuple[str, ...], order: np.ndarray, corners: np.ndarray) -> float:
    """Windows a second by rasterio, for a process of its own, whose cache nothing else fills."""
    handles = kept_open(paths)

    def windows() -> int:
        for index, (row, column) in zip(order, corners, strict=True):
            data = handles[index].read(window=rasterio.windows.Window(column, row, 64, 64))
            np.ascontiguousarray(data.transpose(1, 2, 0))
        return len(order)

    return per_second(windows)()


def kept_handles(count: int, bands: int, bench: Bench) -> tuple[Measure, Measure]:
    """Random 64 x 64 windows from tiled GeoTIFFs of 256 x 256 pixels, beside rasterio with all of them kept open.

    Files of thousands, or of many bands, are smaller.
    """
    rng, side = np.random.default_rng(0), bench.size(256 if count < 1000 and bands < 100 else 96, 96)
    options = dict(dtype="uint16", tiled=True, blockxsize=64, blockysize=64, interleave="pixel")
    paths = tuple(str(bench.folder / f"{index}.tif") for index in range(bench.size(count, 3)))
    for path in paths:
        with rasterio.open(path, "w", "GTiff", side, side, bands, **options) as file:
            file.write(rng.integers(0, 10000, (bands, side, side), dtype=np.uint16))
    order = rng.integers(0, len(paths), bench.size(2000, 20))
    corners = rng.integers(0, side - 63, (len(order), 2))
    load, entry = LoadCube(), dict(bands=list(range(bands)), file_bands=bands)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    elsewhere = other_process()

    def ours() -> int:
        for index, (row, column) in zip(order, corners, strict=True):
            load.transform({**entry, "img_path": paths[index], "window": (int(row), int(column), 64, 64)})
        return len(order)

    return per_second(ours), lambda: elsewhere(rate_kept_open, paths, order, corners)


class PatchPerItem(Dataset):
    """The usual dataset: one window sliced from the padded cube and normalised an item."""

    def __init__(self, cube: np.ndarray, scene: SceneDataset, window: int) -> None:
        half = window // 2
        self.cube = np.pad(cube, ((half, half), (half, half), (0, 0)), mode="reflect")
        self.window, self.pixels, self.width = window, scene.pixels, cube.shape[1]
        statistics = scene.band_statistics()
        self.mean, self.std = statistics.mean.astype(np.float32), statistics.std.astype(np.float32)

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        row, column = divmod(int(self.pixels[index]), self.width)
        patch = self.cube[row : row + self.window, column : column + self.window]
        patch = (patch.astype(np.float32) - self.mean) / self.std
        return torch.from_numpy(patch.transpose(2, 0, 1).copy()), 0


class TurnedPatchPerItem(PatchPerItem):
    """The same, each window turned, scaled, shifted and made noisy as it is taken."""

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        patch, label = super().__getitem__(index)
        patch = dihedral(patch[None], int(torch.randint(8, ())))[0]
        gain, shift = 1 + 0.1 * torch.randn(()), 0.1 * torch.randn(())
        return gain * patch + shift + 0.05 * torch.randn(patch.shape), label


BATCHES: dict[str, Any] = dict(batch_size=256, shuffle=True, drop_last=True)


def open_scene(folder: Path, window: int = 15, stride: int = 3) -> SceneDataset:
    """Every third pixel of the generated scene."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        return SceneDataset(dict(image="scene.npy"), folder, window=window, subset="all", stride=stride)


@cache
def one_by_one(folder: Path) -> Measure:
    """Rate of the usual dataset and loader."""
    item = PatchPerItem(np.load(folder / "scene.npy"), open_scene(folder), 15)
    loader = DataLoader(item, collate_fn=default_collate, **BATCHES)
    return per_second(lambda: sum(len(batch) for batch, _ in loader))


def rate_one_by_one(folder: Path) -> float:
    """One epoch of the usual way, for a process of its own."""
    torch.set_num_threads(1)
    return one_by_one(folder)()


def pixel_windows(beside: str, bench: Bench) -> tuple[Measure, Measure]:
    """Normalised 15 x 15 x 204 windows around every third pixel of a 256 x 256 scene in batches of 256."""
    side, bands = bench.size(256, 96), bench.size(204, 12)
    cube = np.random.default_rng(0).integers(0, 9000, (side, side, bands)).astype(np.int16)
    np.save(bench.folder / "scene.npy", cube)
    ours = open_scene(bench.folder)
    statistics = ours.band_statistics()
    preprocessor = ScenePreprocessor(bands, statistics.mean.tolist(), statistics.std.tolist())
    attach_scenes(preprocessor, ours)
    gathered = DataLoader(ours, collate_fn=collate_pixels, **BATCHES)

    def windows() -> int:
        return sum(len(preprocessor(batch)["inputs"]) for batch in gathered)

    if beside == "same memory setting":
        return per_second(windows), one_by_one(bench.folder)
    if beside == "default memory":
        elsewhere = other_process()  # which does not know how this process keeps memory
        return per_second(windows), lambda: elsewhere(rate_one_by_one, bench.folder)
    # The same bytes as the batches hold, copied once from a block larger than any cache.
    size = 15 * 15 * bands * 4 * len(gathered) * 256
    source = torch.ones(size // 4)
    target = torch.empty_like(source)
    return per_second(lambda: windows() and size / 1e9), per_second(
        lambda: target.copy_(source) is target and size / 1e9
    )


def few_shot(bench: Bench) -> tuple[Measure, Measure]:
    """An epoch of training the CNN2D on 9 x 9 x 48 windows, batches of 40, with the configs' augmentations."""
    cube = np.random.default_rng(0).integers(0, 9000, (96, 96, 48)).astype(np.int16)
    np.save(bench.folder / "scene.npy", cube)
    pixels = open_scene(bench.folder, window=9, stride=bench.size(7, 40))
    statistics = pixels.band_statistics()
    augments = [dict(type=f"Batch{name}") for name in ("Dihedral", "GainOffset", "Noise")]
    preprocessor = ScenePreprocessor(48, statistics.mean.tolist(), statistics.std.tolist(), augments=augments)
    attach_scenes(preprocessor, pixels)
    model = nn.Sequential(CNN2D(48), CenterContext()).train()
    weights = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def learn(epoch: Iterable[torch.Tensor]) -> None:
        for windows in epoch:
            model(windows)[0].square().mean().backward()
            weights.step()
            weights.zero_grad()

    batches: dict[str, Any] = dict(batch_size=40, shuffle=True)
    indices = DataLoader(pixels, collate_fn=collate_pixels, **batches)
    cut = DataLoader(TurnedPatchPerItem(cube, pixels, 9), collate_fn=default_collate, **batches)
    return (
        bench.seconds(lambda: learn(preprocessor(batch, training=True)["inputs"] for batch in indices)),
        bench.seconds(lambda: learn(windows for windows, _ in cut)),
    )


def iterate(path: Path) -> float:
    """Iterate over a scene's tiles with two workers; the peak memory of the largest process in GiB."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        pipeline = [dict(type="LoadCube"), dict(type="PackTile")]
        options: dict[str, Any] = dict(window=128, turns=(0, 1, 3), with_labels=False, pipeline=pipeline)
        data = TileDataset(dict(image=path.name), data_root=str(path.parent), **options)
        data.full_init()
        for _ in DataLoader(data, batch_size=8, num_workers=2, collate_fn=pseudo_collate):
            pass
    return max(peak_memory(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20)


def big_scene(suffix: str, bench: Bench) -> tuple[Measure, None]:
    """128 x 128 tiles of a 2075 x 2890 x 116 float32 scene (2.8 GB)."""
    path, (height, width) = bench.folder / f"big{suffix}", (200, 290) if bench.quick else (2075, 2890)
    rng = np.random.default_rng(0)
    starts = range(0, height, 128)
    blocks = ((row, rng.random((min(128, height - row), width, 116), dtype=np.float32)) for row in starts)
    if suffix == ".npy":
        scene = np.lib.format.open_memmap(path, "w+", np.float32, (height, width, 116))
        for row, block in blocks:
            scene[row : row + 128] = block
        scene.flush()
    else:
        options = dict(dtype="float32", tiled=True, blockxsize=128, blockysize=128, interleave="pixel", BIGTIFF="YES")
        with rasterio.open(path, "w", "GTiff", width, height, 116, **options) as file:
            for row, block in blocks:
                window = rasterio.windows.Window(0, row, width, len(block))
                file.write(block.transpose(2, 0, 1), window=window)
    return lambda: other_process()(iterate, path), None


WINDOWS: dict[str, Any] = dict(goal="≥ 5", unit="windows/s")
MEMORY: dict[str, Any] = dict(goal="< 1", unit="GiB", kind="memory")
COMPARISONS = [
    Comparison(
        "tiles",
        "random 64×64 windows from 512×512×32 uint16 GeoTIFFs beside whole files that are cropped",
        partial(tile_windows, 0),
        **WINDOWS,
    ),
    *(
        Comparison(
            name,
            f"random 64×64×{bands} windows from {count} tiled GeoTIFFs beside rasterio with all kept open",
            partial(kept_handles, count, bands),
            goal="≥ 0.95",
            unit="windows/s",
        )
        for name, count, bands in (
            ("tiles-40-files", 40, 16),
            ("tiles-400-files", 400, 16),
            ("tiles-4000-files", 4000, 16),
            ("tiles-200-bands", 40, 200),
        )
    ),
    Comparison("tiles-2-workers", "the same, 2 workers (time on the wall)", partial(tile_windows, 2), **WINDOWS),
    Comparison(
        "pixels",
        "normalised 15×15×204 windows in batches of 256 beside one window an item",
        partial(pixel_windows, "default memory"),
        **WINDOWS,
    ),
    Comparison(
        "pixels-same-memory",
        "the same, the other side given mmhsi's memory setting too",
        partial(pixel_windows, "same memory setting"),
        unit="windows/s",
    ),
    Comparison(
        "pixels-copy",
        "the same batches beside a plain copy of as many bytes",
        partial(pixel_windows, "a copy"),
        goal="≥ 0.5",
        unit="GB/s",
    ),
    Comparison(
        "few-shot",
        "training the 2-D CNN on 196 pixels, 9×9×48, batches of 40, symmetries and noise, an epoch, beside windows cut "
        "and augmented one an item",
        few_shot,
    ),
    Comparison(
        "big-npy", "peak RSS over 128×128 tiles of a 2.8 GB scene, 2 workers", partial(big_scene, ".npy"), **MEMORY
    ),
    Comparison(
        "big-tif",
        "the same, tiled GeoTIFF, of which workers keep unpacked blocks",
        partial(big_scene, ".tif"),
        **{**MEMORY, "goal": "< 1.5"},
    ),
]

if __name__ == "__main__":
    main(dict(data_layer=COMPARISONS))
