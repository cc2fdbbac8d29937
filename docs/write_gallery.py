"""Draw the pictures of docs/gallery.md from real scenes, by the commands that stand beside them.

Scenes are read from the folder that MMHSI_SHARED_DATA names (default: ../shared/data). It takes some 20 minutes. What
was made on the way is kept in the folder that is given as the only argument (default: a temporary one).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("MMHSI_SHARED_DATA", ROOT / "../shared/data")).resolve()
OUT = ROOT / "docs/images/gallery"
sys.path.insert(0, str(ROOT / "docs/notebooks"))
os.environ["MMHSI_SHARED_DATA"] = str(DATA)
CNN = "configs/comparison/cnn2d.py"
SEEDS = (0, 1, 2)


def mmhsi(*words: object) -> None:
    """Run a command, and show what it prints.

    Args:
        words: Its name and arguments.
    """
    print("$ mmhsi", *words, flush=True)
    environment = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONWARNINGS="ignore", MMHSI_DATA=str(DATA))
    subprocess.run([sys.executable, "-m", "mmhsi", *map(str, words)], env=environment, cwd=ROOT, check=True)  # noqa: S603


def draw_maps(folder: Path) -> None:
    """Map, areas, spectra and bands of the EnMAP scene; the report's reliability."""
    import rasterio
    from scenes import land_cover

    from mmhsi.io import write_class_map
    from mmhsi.visualization import class_palette

    scene, training, truth, names = land_cover(folder)
    with rasterio.open(scene) as file:
        place = dict(crs=file.crs, transform=file.transform)
    labels = folder / "labels.tif"
    write_class_map(labels, truth, class_names=names, palette=class_palette(names), nodata=255, **place)
    mapped = folder / "map.tif"
    mmhsi("classify", scene, training, "--out", mapped, "--report", folder / "report.json")
    mmhsi("show_map", scene, mapped, "--labels", labels, "--out", OUT / "map.png")
    mmhsi("show_areas", mapped, "--out", OUT / "areas.png")
    mmhsi("show_spectra", scene, labels, "--out", OUT / "spectra.png")
    mmhsi("show_bands", scene, labels, "--out", OUT / "bands.png")


def draw_runs(folder: Path) -> None:
    """Split, curves of three seeds, confusion and embedding of a small network on the Houston crop."""
    from mmhsi.visualization.curves import read_curve, save_curves

    data = ("--dataset", "houston2018-crop_20-per-class")
    mmhsi("show_split", CNN, *data, "--seed", 0, "--out", OUT / "split.png")
    curves = []
    for seed in SEEDS:
        run = folder / f"cnn_{seed}"
        short = ("--cfg-options", "train_cfg.max_epochs=20")
        mmhsi("train", CNN, *data, "--seed", seed, "--work-dir", run, "--report", run / "report.json", *short)
        curves.append(read_curve(run, "loss"))
    save_curves(OUT / "curves.png", {"CNN2D, Houston crop, 20 pixels a class": curves}, "loss")
    mmhsi("show_report", folder / "cnn_0/report.json", "--out", OUT / "confusion.png")
    weights = folder / "cnn_0/epoch_20.pth"
    mmhsi("show_embedding", CNN, weights, *data, "--count", 1000, "--out", OUT / "embedding.png")


def draw_features(folder: Path) -> None:
    """Features and attention of a short pretraining on the Houston crop."""
    run, data = folder / "mae", ("--dataset", "houston2018-crop_20-per-class")
    short = ("--cfg-options", "train_cfg.max_epochs=8", "train_dataloader.dataset.stride=2")
    every = "default_hooks.checkpoint.interval=8"
    config = "configs/mae/mae_hsi-vit-tiny-p3.py"
    mmhsi("train", config, "--dataset", "houston2018-crop", "--no-validate", "--work-dir", run, *short, every)
    finetune, weights = "configs/mae/mae-ft_hsi-vit-tiny-p3.py", run / "epoch_8.pth"
    mmhsi("show_features", finetune, weights, *data, "--out", OUT / "features.png")
    mmhsi("show_attention", finetune, weights, *data, "--images", 3, "--size", 36, "--out", OUT / "attention.png")


def draw_reliability(report: Path) -> None:
    """The diagram of what classify wrote."""
    from types import SimpleNamespace

    from mmhsi.estimator.page import reliability_figure
    from mmhsi.visualization.png import save_figure

    found = json.loads(report.read_text())
    save_figure(OUT / "reliability.png", reliability_figure(SimpleNamespace(reliability=found["reliability"])))  # type: ignore[arg-type]


def main() -> None:
    """Draw all."""
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else name)
        folder.mkdir(parents=True, exist_ok=True)
        draw_maps(folder)
        draw_reliability(folder / "report.json")
        draw_runs(folder)
        draw_features(folder)


if __name__ == "__main__":
    main()
