"""Other libraries beside mmhsi: ``python benchmarks/peers/compare.py [--only NAME …] [--write docs/benchmarks.md]``.

Makes an environment of its own in ``build/peers`` once: the pinned libraries of ``requirements.txt`` on top of the
packages of the Python that runs this. Both sides get the same generated data and run in turn on one thread; each gives
a tensor (C, H, W). An image lies pixel by pixel, as mmhsi reads it, and becomes a tensor in the library's own way.
Training steps and maps: ``steps.py`` beside this.
"""

import os
import subprocess
import sys
import sysconfig
import venv
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ENVIRONMENT = ROOT / "build/peers"
SIDE, BANDS, SIGMA = 128, 200, 1.5
CROP, LARGE_CROP = (16, 18, 80, 96), (4, 6, 120, 112)
"""Row, column, height and width of the windows that are enlarged and reduced."""


def environment() -> Path:
    """The environment's Python; made where it is not there, or of other pins."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pins, done = HERE / "requirements.txt", ENVIRONMENT / "installed.txt"
    if not done.is_file() or done.read_text() != pins.read_text():
        venv.create(ENVIRONMENT, clear=True, with_pip=True)
        own = sysconfig.get_path("purelib", vars=dict(base=str(ENVIRONMENT), platbase=str(ENVIRONMENT)))
        # Behind its own packages come those that mmhsi is tested with.
        Path(own, "below.pth").write_text(sysconfig.get_path("purelib"))
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", "-r", pins], check=True)
        done.write_text(pins.read_text())
    return python


def image() -> Any:
    """An image (H, W, C) of float32."""
    import numpy as np

    return np.random.default_rng(0).random((SIDE, SIDE, BANDS), dtype=np.float32)


def tensor(array: Any) -> Any:
    """As torchvision's ``ToTensor`` does it with what is no picture of 8 bits."""
    import torch

    return torch.from_numpy(array).permute(2, 0, 1).contiguous()


def ours(*steps: Any) -> Any:
    """Transforms of mmhsi's, then packing."""
    import numpy as np

    from mmhsi.datasets.transforms import PackTile

    data, valid, pack = image(), np.ones((SIDE, SIDE), bool), PackTile()

    def job() -> Any:
        results = dict(img=data, valid=valid, img_shape=data.shape[:2])
        for step in steps:
            results = step(results)
        return pack.transform(results)["inputs"]

    return job


def blurred(peer: str) -> tuple[Any, Any]:
    """Gaussian blur, of kernels that end at 3 standard deviations."""
    from mmhsi.datasets.transforms import GaussianBlur

    data, size = image(), 2 * int(3 * SIGMA + 0.5) + 1
    own = ours(GaussianBlur((SIGMA, SIGMA), prob=1.0).transform)
    if peer == "kornia":
        from kornia.filters import gaussian_blur2d

        return own, lambda: gaussian_blur2d(tensor(data)[None], (size, size), (SIGMA, SIGMA))[0]
    if peer == "torchvision":
        from torchvision.transforms.v2.functional import gaussian_blur

        return own, lambda: gaussian_blur(tensor(data), [size, size], [SIGMA, SIGMA])
    import albumentations

    return own, albumented(data, albumentations.GaussianBlur((size, size), (SIGMA, SIGMA), p=1))


def resized(peer: str, crop: tuple[int, int, int, int] = CROP, side: int = SIDE) -> tuple[Any, Any]:
    """A window, brought to another size; bilinear, antialiased where it is reduced, as by torchvision alone."""
    from mmhsi.datasets.transforms.cropping import crop_results
    from mmhsi.datasets.transforms.resizing import resize_results

    data, (top, left, height, width) = image(), crop
    own = ours(lambda r: resize_results(crop_results(r, *crop), (side, side), "bilinear"))
    if peer == "kornia":
        from kornia.geometry import resize

        cut = (slice(None), slice(top, top + height), slice(left, left + width))
        return own, lambda: resize(tensor(data)[cut][None], (side, side), align_corners=False)[0]
    if peer == "torchvision":
        from torchvision.transforms.v2.functional import resized_crop

        return own, lambda: resized_crop(tensor(data), *crop, [side, side], antialias=True)
    import albumentations

    cut_out = albumentations.Crop(left, top, left + width, top + height)
    return own, albumented(data, cut_out, albumentations.Resize(side, side))


def flipped(peer: str) -> tuple[Any, Any]:
    """Mirrored columns."""
    from mmhsi.datasets.transforms import RandomFlip

    data, own = image(), ours(RandomFlip(prob=1.0).transform)
    if peer == "kornia":
        from kornia.geometry import hflip

        return own, lambda: hflip(tensor(data))
    from torchvision.transforms.v2.functional import horizontal_flip

    return own, lambda: horizontal_flip(tensor(data))


def albumented(data: Any, *steps: Any) -> Any:
    """A pipeline of albumentations'."""
    import albumentations
    from albumentations.pytorch import ToTensorV2

    whole = albumentations.Compose([*steps, ToTensorV2()])
    return lambda: whole(image=data)["image"].contiguous()


def transforms(make: Any, peer: str, bench: Any) -> tuple[Any, Any]:
    """A transform and its peer, which have to give the same values."""
    import torch

    first, second = make(peer)
    edge = 8  # borders are each library's own
    inner = (slice(None), slice(edge, -edge), slice(edge, -edge))
    torch.testing.assert_close(first()[inner], second()[inner], rtol=0, atol=1e-3)
    return bench.seconds(first), bench.seconds(second)


def windows(count: int, bench: Any) -> tuple[Any, Any]:
    """Random 64 x 64 x 16 windows from tiled GeoTIFFs side by side, with torchgeo's data set, indexed, and sampler.

    Files of thousands are smaller.
    """
    import numpy as np
    import rasterio
    from side_by_side import per_second
    from torchgeo.datasets import RasterDataset
    from torchgeo.samplers import RandomGeoSampler

    from mmhsi.datasets.transforms import LoadCube, PackTile

    rng, side, count = np.random.default_rng(0), 256 if count < 1000 else 96, bench.size(count, 3)
    options: dict[str, Any] = dict(
        crs="EPSG:32633", dtype="uint16", tiled=True, blockxsize=64, blockysize=64, interleave="pixel"
    )
    paths = []
    for index in range(count):
        options["transform"] = rasterio.transform.from_origin(5e5 + index * side * 30, 58e5, 30, 30)
        paths.append(str(bench.folder / f"{index}.tif"))
        with rasterio.open(paths[-1], "w", "GTiff", side, side, 16, **options) as file:
            file.write(rng.integers(0, 10000, (16, side, side), dtype=np.uint16))
    theirs = RasterDataset(str(bench.folder))
    places = list(RandomGeoSampler(theirs, size=64, length=bench.size(500, 10)))
    order, corners = rng.integers(0, count, len(places)), rng.integers(0, side - 63, (len(places), 2))
    load, pack = LoadCube(), PackTile()
    entry = dict(bands=list(range(16)), file_bands=16)

    def first() -> int:
        for index, (row, column) in zip(order, corners, strict=True):
            window = (int(row), int(column), 64, 64)
            pack.transform(load.transform({**entry, "img_path": paths[index], "window": window}))
        return len(order)

    def second() -> int:
        for place in places:
            theirs[place]
        return len(places)

    return per_second(first), per_second(second)


def compare() -> None:
    """Run the comparisons, in the environment."""
    import cv2
    from side_by_side import Comparison, main
    from steps import COMPARISONS as STEPS

    cv2.setNumThreads(1)
    shrunk = partial(resized, crop=LARGE_CROP, side=SIDE // 2)
    kinds = {
        "blur": (blurred, f"Gaussian blur, standard deviation {SIGMA}", ("kornia", "torchvision", "albumentations")),
        "crop": (resized, f"{CROP[2]}×{CROP[3]} pixels enlarged", ("kornia", "torchvision", "albumentations")),
        "shrink": (shrunk, f"{LARGE_CROP[2]}×{LARGE_CROP[3]} pixels reduced to half the side", ("torchvision",)),
        "flip": (flipped, "mirrored columns", ("kornia", "torchvision")),
    }
    listed = [
        Comparison(
            f"{name}-{peer}",
            f"{title}, {SIDE}×{SIDE}×{BANDS}, beside {peer}",
            partial(transforms, make, peer),
            goal="≤ 1.03",
        )
        for name, (make, title, peers) in kinds.items()
        for peer in peers
    ]
    listed += [
        Comparison(
            f"windows-torchgeo{name}",
            f"random 64×64×16 windows from {count:,} tiled GeoTIFFs beside torchgeo's `RasterDataset`",
            partial(windows, count),
            goal="≥ 0.95",
            unit="windows/s",
        )
        for name, count in (("", 40), ("-400", 400), ("-4000", 4000))
    ]
    main(dict(peers=listed, steps=STEPS), block="peers")


if __name__ == "__main__":
    if Path(sys.prefix) == ENVIRONMENT:
        sys.path.insert(0, str(HERE.parent))
        compare()
    else:
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [str(environment()), __file__, *sys.argv[1:]]
        sys.exit(subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=False).returncode)
