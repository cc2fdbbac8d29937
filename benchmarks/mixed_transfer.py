"""Frozen features of encoders of any bands: untrained, pretrained on one scene, on other sensors, on all; one table.

Every encoder is trained for the same number of steps, then scored on fixed splits by k nearest neighbours and a linear
probe, on the same splits in pairs. What is finished is kept in the file of --out and not made again.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmhsi.cli.console import show_own_warnings

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
PRETRAINING = "mae-wavelength_hsi-vit-tiny-p3_mixed"
SCENES = {"houston2018_crop": "houston2018-crop", "salinas_a": "salinas-a"}
PROTOCOLS = {"fewshot20": range(5), "disjoint20": range(8)}


def corpora(names: Sequence[str]) -> dict[str, list[str]]:
    """Sensors of each pretraining."""
    airborne = [name for name in names if name.startswith("abu-")]
    return {
        "untrained": [],
        "houston2018-crop alone": ["houston2018-crop"],
        "salinas-a alone": ["salinas-a"],
        "other scenes (abu)": airborne,
        "all": list(names),
    }


def config(name: str) -> Path:
    """Of a pretraining."""
    return ROOT / f"configs/mixed/{name}.py"


def pretrain(name: str, sensors: Sequence[str], steps: int, folder: Path) -> Path | None:
    """Train for a number of steps; the checkpoint."""
    from mmhsi.config_files import load_config
    from mmhsi.engine import build_runner

    if not sensors:
        return None
    made = folder / "iter.pth"
    if made.exists():
        return made
    cfg = load_config(config(name))
    data = cfg.train_dataloader
    data.dataset.sensors = {sensor: data.dataset.sensors[sensor] for sensor in sensors}
    data.batch_size = 32
    for part in data.dataset.sensors.values():
        part.dataset.samples_per_scene = min(part.dataset.samples_per_scene * 4, 384)
    cfg.work_dir = str(folder)
    cfg.train_cfg = dict(by_epoch=False, max_iters=steps, val_interval=steps + 1)
    cfg.param_scheduler = [
        dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=1 + steps // 20),
        dict(type="CosineAnnealingLR", by_epoch=False, begin=1 + steps // 20, end=steps + 1),
    ]
    cfg.log_processor = dict(by_epoch=False)
    cfg.default_hooks.checkpoint = dict(type="AtomicCheckpointHook", by_epoch=False, interval=steps)
    cfg.log_level = "WARNING"
    build_runner(cfg).train()
    return (folder / f"iter_{steps}.pth").rename(made)


def features(name: str, scene: str, checkpoint: Path | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (n, d) of the centres of the windows of all labelled pixels, their classes and flat indices."""
    from mmhsi.config_files import load_config
    from mmhsi.datasets import SceneDataset
    from mmhsi.inference.feature_extractor import FeatureExtractor

    cfg = load_config(ROOT / "configs/mae/mae-ft_hsi-vit-tiny-p3.py")
    for loader in ("train_dataloader", "test_dataloader"):
        cfg[loader].dataset.scene = scene
    cfg.model.backbone = {**load_config(config(name)).model.backbone, "wavelengths": scene}
    torch.manual_seed(0)
    extractor = FeatureExtractor(cfg, checkpoint)
    parts = []
    for loader in ("train_dataloader", "test_dataloader"):
        dataset = extractor.dataset(loader)
        assert isinstance(dataset, SceneDataset)
        found = extractor.labelled(dataset)
        parts.append((found.features, found.labels, np.asarray(dataset.pixels)))
    joined = [np.concatenate(some) for some in zip(*parts, strict=True)]
    return joined[0], joined[1], joined[2]


def score(name: str, scene: str, checkpoint: Path | None, splits: Path) -> dict[str, list[float]]:
    """Overall accuracy in % on every split, by protocol and method."""
    from mmhsi.evaluation.probes import knn_probe, linear_probe

    values, classes, places = features(name, scene, checkpoint)
    row = np.full(int(places.max()) + 1, -1)
    row[places] = np.arange(len(places))
    found: dict[str, list[float]] = {}
    for protocol, seeds in PROTOCOLS.items():
        for seed in seeds:
            with np.load(splits / f"{scene}_{protocol}_seed{seed}.npz") as split:
                train, test = (row[split[part]] for part in ("train", "test"))
            for method, probe in (("k-NN", knn_probe), ("linear", linear_probe)):
                predicted = probe(values[train], classes[train], values[test])
                accuracy = 100 * float(np.mean(predicted == classes[test]))
                found.setdefault(f"{protocol} {method}", []).append(accuracy)
    return found


def table(results: dict) -> str:
    """Means, standard deviations, and the mean difference to the untrained encoder with the splits it wins."""
    columns = [f"{protocol} {name}" for protocol in PROTOCOLS for name in ("k-NN", "linear")]
    lines = ["| scene | encoder | " + " | ".join(columns) + " |", "| --- | --- |" + " --- |" * len(columns)]
    for scene, rows in results.items():
        for name, row in rows.items():
            cells = []
            for column in columns:
                mine, base = np.asarray(row[column]), np.asarray(rows["untrained"][column])
                gain = mine - base
                paired = "" if name == "untrained" else f" ({gain.mean():+.1f}, {(gain > 0).sum()}/{len(gain)})"
                cells.append(f"{mine.mean():.1f} ± {mine.std(ddof=1):.1f}{paired}")
            lines.append(f"| {scene} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="folder of scenes and splits")
    parser.add_argument("--pretraining", default=PRETRAINING, help="config of configs/mixed (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="steps of each pretraining (default: 150)")
    parser.add_argument(
        "--out", type=Path, default=Path("work_dirs/mixed_transfer"), help="folder for all results, one a pretraining"
    )
    args = parser.parse_args()
    show_own_warnings()
    import os

    os.environ["MMHSI_DATA"] = str(args.data)
    from mmhsi.config_files import load_config

    args.out.mkdir(parents=True, exist_ok=True)
    kept = args.out / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    for name, sensors in corpora(list(load_config(config(args.pretraining)).train_dataloader.dataset.sensors)).items():
        checkpoint = pretrain(args.pretraining, sensors, args.steps, args.out / name.replace(" ", "-"))
        for scene, sensor in SCENES.items():
            if name in results.get(scene, {}) or (name.endswith(" alone") and sensor not in sensors):
                continue
            results.setdefault(scene, {})[name] = score(args.pretraining, scene, checkpoint, args.data / "splits")
            kept.write_text(json.dumps(results, indent=1))
            print(table({scene: results[scene]}), flush=True)


if __name__ == "__main__":
    main()
