"""Predict what a camera of 420 to 1000 nm cannot see, on real EnMAP tiles: the shortwave infrared.

Targets are the reflectance at 1650 nm and the moisture index (r860 - r1650) / (r860 + r1650), of which the models are
not given the bands beyond 1000 nm. Nobody needs this prediction, for EnMAP measures it; it is a check of the whole path
of values, on real spectra, that has a truth for every pixel. Blocks of 32 x 32 pixels, a tile each, train or test.
"""

import os
import tempfile
from pathlib import Path

import numpy as np

from mmhsi.cli.command import run, tool_parser

MODELS = ("ridge", "pls", "extra-trees", "cnn1d", "cnn1d-nll", "hsi-vit-tiny-p3", "unet-tiles")
TARGETS = (("reflectance at 1650 nm", "%"), ("moisture index", "1"))
SCENE = dict(image="vnir.tif", values="swir.tif", targets=[name for name, _ in TARGETS], units=[u for _, u in TARGETS])


def write_scene(source: Path, folder: Path) -> None:
    """The tiles as one scene of the bands up to 1000 nm, and the targets as a raster.

    Args:
        source: Folder ``enmap_potsdam``.
        folder: Written to.
    """
    import rasterio

    from mmhsi.io import HSICube, read_cube, write_cube

    with rasterio.open(source / "enmap_landcover_unstyled.tif") as file:
        shape, crs, transform = file.shape, file.crs, file.transform
    mosaic = np.full((*shape, 224), np.nan, np.float32)
    for tile in sorted((source / "images").glob("*.tif")):
        column, row = (int(word) for word in tile.stem.split("_")[-2:])
        cube = read_cube(tile)
        height, width = cube.data.shape[:2]
        mosaic[row : row + height, column : column + width] = np.where(cube.valid()[..., None], cube.data, np.nan)
    nm, good = np.asarray(cube.wavelengths), cube.good_bands
    kept = np.flatnonzero(good & (nm <= 1000))
    place = dict(crs=crs, transform=transform)
    write_cube(folder / "vnir.tif", HSICube(mosaic[..., kept], wavelengths=nm[kept], **place))
    near, short = (mosaic[..., int(np.argmin(np.where(good, np.abs(nm - at), np.inf)))] for at in (860, 1650))
    total = near + short
    index = np.divide(near - short, total, out=np.full_like(total, np.nan), where=total > 0)
    write_cube(folder / "swir.tif", HSICube(np.stack([100 * short, index], axis=2), **place))


def errors(name: str, seed: int, folder: Path) -> dict[str, float]:
    """Test errors of a config's model on one split.

    Args:
        name: The config's.
        seed: Of the split and of the training.
        folder: Of the scene, and of the run.
    """
    from mmhsi.config_files import load_config
    from mmhsi.engine import build_runner, set_seed

    cfg = load_config(Path(__file__).parents[1] / f"configs/regression/{name}.py")
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.update(scene=SCENE, data_root=str(folder))
        if loader.dataset.type == "TileValueDataset":
            loader.dataset.update(window=32)
        else:
            loader.dataset.split.update(block=32)
    cfg.work_dir = str(folder / f"{name}-{seed}")
    cfg.log_level = "WARNING"
    set_seed(cfg, seed)
    runner = build_runner(cfg)
    runner.train()
    return runner.test()


def main() -> None:
    """Train, test, print a table."""
    parser = tool_parser(__doc__)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, default=5, help="splits (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MMHSI_DATA", "data")))
    args = parser.parse_args()
    lines = ["| model | target | R2 | RMSE | MAE |", "| --- | --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as folder:
        write_scene(args.data / "enmap_potsdam", Path(folder))
        for name in args.models:
            found = [errors(name, seed, Path(folder)) for seed in range(args.seeds)]
            for target, unit in TARGETS:
                cells = []
                for key, digits in (("R2", 2), ("RMSE", 3), ("MAE", 3)):
                    values = np.array([each[f"{target}/{key}"] for each in found])
                    spread = values.std(ddof=1) if len(values) > 1 else 0.0
                    cells.append(f"{values.mean():.{digits}f} ± {spread:.{digits}f}")
                lines.append(f"| {name} | {target}{'' if unit == '1' else f' ({unit})'} | {' | '.join(cells)} |")
            print(lines[-2], lines[-1], sep="\n", flush=True)
    print("\n".join(lines))


if __name__ == "__main__":
    run(main)
