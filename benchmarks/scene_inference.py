"""What whole scenes cost beside the model: time over bare forward passes, beside mmseg's slide mode, and memory.

Everything is generated. Times are from a file to a written map; of maps beside bare passes they are on the wall, as
threads read and write while the model works: the machine needs a second core.
"""

import tempfile
import time
import unittest.mock
import warnings
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from rasterio.windows import Window
from side_by_side import Bench, Comparison, Measure, main, other_process, peak_memory, per_second, prepare, seconds
from torch import Tensor, nn

from mmhsi.inference import SceneInferencer, SceneWarning
from mmhsi.inference.window_model import WindowModel
from mmhsi.io import HSICube, write_cube
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec


@MODELS.register_module()
class Convolution(nn.Module):
    """A tiny backbone: one 3 x 3 convolution."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        """Give one map."""
        return (self.conv(x),)


def inferencer(
    folder: Path, model: dict, bands: int, classes: int, window: int, batch: int, device: str = "cpu", **how: bool
) -> SceneInferencer:
    """A model with random weights as if it had been trained."""
    warnings.simplefilter("ignore", SceneWarning)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        built = MODELS.build(model)
    used = list(range(bands))
    spec = InputSpec(
        classes=tuple(f"class {k}" for k in range(classes)),
        bands=tuple(used),
        file_bands=bands,
        num_bands=len(used),
        window=(window, window),
    )
    torch.save(dict(state_dict=built.state_dict(), meta=dict(dataset_meta=spec.to_meta())), folder / "model.pth")
    return SceneInferencer(Config(dict(model=model)), folder / "model.pth", device, batch_size=batch, **how)


def pixel_model(backbone: dict, channels: int, bands: int) -> dict:
    """A pixel classifier of 6 classes."""
    loss = dict(type="mmpretrain.CrossEntropyLoss")
    return dict(
        type="PixelClassifier",
        data_preprocessor=dict(type="ScenePreprocessor", num_bands=bands, mean=[1500.0] * bands, std=[900.0] * bands),
        backbone=dict(in_channels=bands, **backbone),
        neck=dict(type="CenterContext"),
        head=dict(type="mmpretrain.LinearClsHead", in_channels=channels, num_classes=6, loss=loss),
    )


def segment_model(backbone: dict, in_channels: int | list[int], bands: int, classes: int, **head: object) -> dict:
    """A segmentor."""
    loss = dict(type="CrossEntropyLoss")
    return dict(
        type="EncoderDecoder",
        data_preprocessor=dict(type="TilePreprocessor", num_bands=bands, mean=[1500.0] * bands, std=[900.0] * bands),
        backbone=dict(in_channels=bands, **backbone),
        decode_head=dict(in_channels=in_channels, num_classes=classes, loss_decode=loss, **head),
        test_cfg=dict(mode="slide", crop_size=(64, 64), stride=(32, 32)),
    )


FCN = dict(type="mmseg.FCNHead", channels=8, in_index=0, num_convs=0, concat_input=False)
LINEAR = dict(type="MultiscaleLinearHead", in_index=[0])
ONE_CONVOLUTION = segment_model(dict(type="Convolution", channels=8), 8, 32, 20, **FCN)


def write_scene(path: Path, height: int, width: int, bands: int) -> Path:
    """A tiled uint16 GeoTIFF of random values, of any size, not compressed."""
    rng = np.random.default_rng(0)
    options = dict(dtype="uint16", tiled=True, blockxsize=256, blockysize=256, BIGTIFF="YES")
    with rasterio.open(path, "w", "GTiff", width, height, bands, **options) as file:
        for row in range(0, height, 256):
            count = min(256, height - row)
            block = rng.integers(0, 3000, (bands, count, width), dtype=np.uint16)
            file.write(block, window=Window(0, row, width, count))
    return path


def packed_scene(folder: Path, height: int, width: int, bands: int) -> Path:
    """A GeoTIFF of random values as mmhsi writes it: compressed."""
    data = np.random.default_rng(0).integers(0, 3000, (height, width, bands), dtype=np.uint16)
    write_cube(folder / "scene.tif", HSICube(data))
    return folder / "scene.tif"


def over_bare(scene: Path, model: SceneInferencer, bench: Bench) -> tuple[Measure, Measure]:
    """A map of a scene, and the same windows' forward passes on batches that are ready."""
    shapes: list[tuple[int, ...]] = []
    call = type(model.model).__call__

    def counted(self: WindowModel, x: Tensor) -> Tensor:
        shapes.append(tuple(x.shape))
        return call(self, x)

    def mapped() -> None:
        shapes.clear()
        with unittest.mock.patch.object(type(model.model), "__call__", counted):
            model.write_map(scene, scene.with_suffix(".map.tif"))

    def bare() -> float:
        ready = {shape: torch.randn(shape, device=bench.device) for shape in set(shapes)}
        passes = torch.inference_mode()(lambda: [model.model(ready[shape]) for shape in shapes])
        return bench.seconds(passes, time.perf_counter)()

    return bench.seconds(mapped, time.perf_counter), bare


def pixel_map(backbone: dict, channels: int, batch: int, bench: Bench) -> tuple[Measure, Measure]:
    """15 x 15 x 204 windows of a scene of Salinas-A's size."""
    bands = bench.size(204, 24)
    scene = packed_scene(bench.folder, bench.size(83, 8), bench.size(86, 8), bands)
    model = pixel_model(backbone, channels, bands)
    return over_bare(scene, inferencer(bench.folder, model, bands, 6, 15, batch, str(bench.device)), bench)


def spectral_map(backbone: str, bench: Bench) -> tuple[Measure, Measure]:
    """Single pixels of 48 bands of a scene."""
    side = bench.size(400, 24)
    scene = packed_scene(bench.folder, side, side, 48)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        channels = MODELS.build(dict(type=backbone, in_channels=48)).embed_dims * 2
    model = dict(pixel_model(dict(type=backbone), channels, 48), tta=True)
    return over_bare(scene, inferencer(bench.folder, model, 48, 6, 9, 4096, str(bench.device)), bench)


def tile_map(arch: str, dims: int, side: int, bench: Bench) -> tuple[Measure, Measure]:
    """64 x 64 x 32 windows of a scene, stride 32, 20 classes."""
    side = bench.size(side, 96)
    model = segment_model(dict(type="HSIViT", arch=arch, img_size=64, patch_size=8), [dims], 32, 20, **LINEAR)
    scene = packed_scene(bench.folder, side, side, 32)
    return over_bare(scene, inferencer(bench.folder, model, 32, 20, 64, 16, str(bench.device)), bench)


def beside_slide(bench: Bench) -> tuple[Measure, Measure]:
    """Time outside the model of mmseg's slide mode in memory, and of a map from file to file."""
    side = bench.size(1024, 128)
    scene = packed_scene(bench.folder, side, side, 32)
    with rasterio.open(scene) as file:
        data = torch.from_numpy(file.read())[None]
    model = inferencer(bench.folder, ONE_CONVOLUTION, 32, 20, 64, 16)
    network = model.model.network
    forward, inside = network.encode_decode, [0.0]

    def timed(x: Tensor, metas: list[dict]) -> Tensor:
        results = []
        inside[0] += seconds(lambda: results.append(forward(x, metas)), time.perf_counter)()
        return results[0]

    network.encode_decode = timed

    def outside(whole: Measure) -> float:
        inside[0] = 0.0
        return whole() - inside[0]

    @torch.inference_mode()
    def slide() -> None:
        x = network.data_preprocessor.normalise(data)
        network.slide_inference(x, [dict(img_shape=(side, side), ori_shape=(side, side))]).argmax(1)

    first = seconds(slide, time.perf_counter)
    second = seconds(lambda: model.write_map(scene, bench.folder / "map.tif"), time.perf_counter)
    return lambda: outside(first), lambda: outside(second)


def map_scene(folder: Path) -> float:
    """Map a scene with all outputs; the peak memory of this process in GiB."""
    prepare()
    warnings.simplefilter("ignore", SceneWarning)
    model = SceneInferencer(Config(dict(model=ONE_CONVOLUTION)), folder / "model.pth", batch_size=16)
    model.write_map(folder / "big.tif", folder / "big_map.tif", uncertainty=folder / "big_entropy.tif")
    return peak_memory()


@cache
def peak(rows: int, columns: int) -> float:
    """Peak memory of a process that maps a scene of so many rows and columns, 32 bands."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inferencer(folder, ONE_CONVOLUTION, 32, 20, 64, 16)
        write_scene(folder / "big.tif", rows, columns, 32)
        return other_process()(map_scene, folder)


def peak_memory_of(rows: int, bench: Bench) -> Measure:
    """Peak memory with so many rows of 2,000 columns."""
    return lambda: peak(bench.size(rows, rows // 100), bench.size(2000, 100))


def dense_map(backbone: str, bench: Bench) -> tuple[Measure, Measure]:
    """Pixels a second of rows at once, and of 9 x 9 windows; eight symmetries, 48 bands."""
    with DefaultScope.overwrite_default_scope("mmhsi"):
        model = MODELS.build(dict(pixel_model(dict(type=backbone), 256, 48), tta=True)).eval()
    height, width = bench.size(88, 20), bench.size(188, 30)
    image, windows = torch.randn(1, height, width, 48).permute(0, 3, 1, 2), torch.randn(bench.size(256, 4), 48, 9, 9)

    @torch.inference_mode()
    def rows() -> int:
        return model.predict_rows(image, (9, 9))[0].numel()

    @torch.inference_mode()
    def one_by_one() -> int:
        return len(model.predict_scores(windows.contiguous(memory_format=torch.channels_last)))

    return per_second(rows), per_second(one_by_one)


VIT = dict(type="HSIViT", arch="tiny", img_size=15, patch_size=3)
SST = dict(type="SST", arch="tiny", patch_size=5, bands_per_block=12)
MAP: dict[str, Any] = dict(goal="≤ 1.10", rounds=3, on_device=True)
COMPARISONS = [
    Comparison(
        "map-hsi-vit-pixels",
        "HSIViT tiny (patch 3), 15×15×204 windows of an 83×86 scene: map beside bare forward passes on ready batches "
        "(time on the wall, model on one thread, the second core for reading and writing)",
        partial(pixel_map, VIT, 256, 512),
        **MAP,
    ),
    Comparison("map-sst-pixels", "SST tiny (patch 5×5×12), likewise", partial(pixel_map, SST, 96, 64), **MAP),
    Comparison(
        "map-hsi-vit-small",
        "HSIViT small (patch 8), 64×64×32 windows of a 512×512 scene, stride 32, 20 classes: likewise",
        partial(tile_map, "small", 384, 512),
        **MAP,
    ),
    *(
        Comparison(
            f"map-hsi-vit-tiny{name}", f"the same with HSIViT tiny{what}", partial(tile_map, "tiny", 128, side), **MAP
        )
        for name, what, side in (("", ", 2 ms a window", 512), ("-1024", " and a scene of 1024×1024", 1024))
    ),
    *(
        Comparison(
            f"map-{name}",
            f"{what}, which sees single pixels: map of 400×400×48 beside bare forward passes over all its pixels "
            "(time on the wall, model on one thread, the second core for reading and writing)",
            partial(spectral_map, backbone),
            **MAP,
        )
        for name, what, backbone in (("gru", "GRU", "SpectralRNN"), ("cnn1d", "1-D CNN", "SpectralCNN1D"))
    ),
    *(
        Comparison(
            f"map-rows-{name.lower()}",
            f"{name}, 9×9×48 windows, 8 symmetries: whole rows at once beside window by window",
            partial(dense_map, name),
            goal=goal,
            unit="pixels/s",
            rounds=3,
        )
        for name, goal in (("CNN2D", "≥ 30"), ("CNN3D", ""))
    ),
    Comparison(
        "map-slide",
        "mmseg's slide mode in memory beside the map, both outside the model: 1024×1024×32, 20 classes, stride 32 "
        "(time on the wall)",
        beside_slide,
        goal="≥ 10",
        rounds=2,
    ),
    Comparison(
        "map-memory",
        "peak RSS, 20,000×2,000×32 uint16 GeoTIFF, one convolution, map and uncertainty",
        lambda bench: (peak_memory_of(20_000, bench), None),
        goal="≤ 1.5",
        unit="GiB",
        kind="memory",
    ),
    Comparison(
        "map-memory-growth",
        "the same beside 5,000 rows",
        lambda bench: (peak_memory_of(20_000, bench), peak_memory_of(5000, bench)),
        goal="≤ 1.05",
        unit="GiB",
        kind="memory",
    ),
]

if __name__ == "__main__":
    main(dict(scene_inference=COMPARISONS))
