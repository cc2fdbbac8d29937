"""Encoders of any bands across sensors: untrained, pretrained on a scene, on other sensors, on all; one table.

Every encoder is trained for the same number of steps. On the same splits in pairs it is then scored frozen, by k
nearest neighbours and a linear probe, and as the start of a training of all its weights with the few labels. What is
finished is kept in the folder of --out and not made again.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from mmhsi.cli.console import show_own_warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mmengine.config import Config

ROOT = Path(__file__).resolve().parents[1]
PRETRAINING = "mae-wavelength_hsi-vit-tiny-p3_mixed"
FINETUNING = "configs/mae/mae-ft_hsi-vit-tiny-p3.py"
SCENES = {
    "houston2018-crop": "houston2018-crop",
    "salinas-a": "salinas-a",
    "enmap-potsdam-scene": "enmap-potsdam",
}
"""Scenes that are scored, and their names in the corpus."""
PROTOCOLS = {"20-per-class": range(5), "disjoint": range(8)}
METHODS = ("k-NN", "linear", "trained")
UNTRAINED = "untrained"


def sensor(scene: str) -> str:
    """Of a scene of the corpus: Airport-Beach-Urban and Salinas-A are AVIRIS's."""
    return "aviris" if scene.startswith("abu-") or scene == "salinas-a" else scene


def corpora(names: Sequence[str], scene: str) -> dict[str, list[str]]:
    """Scenes that each encoder of a scene has seen."""
    own = SCENES[scene]
    return {
        UNTRAINED: [],
        "pretrained on it alone": [own],
        "on other sensors": [name for name in names if sensor(name) != sensor(own)],
        "on all scenes": list(names),
    }


def config(path: str, dataset: str | None = None) -> Config:
    """A config of the repository, for a data set."""
    from mmhsi.config_files import load_config

    if dataset is not None:
        os.environ["MMHSI_DATASET"] = dataset
    return copy.deepcopy(load_config(ROOT / path))


def pretraining(name: str) -> Config:
    """One of configs/mixed."""
    return config(f"configs/mixed/{name}.py")


def quietly(cfg: Config, folder: Path) -> Config:
    """Have a run say nothing but warnings."""
    cfg.work_dir, cfg.log_level = str(folder), "WARNING"
    return cfg


def folder_of(out: Path, scenes: Sequence[str]) -> Path:
    """Of a pretraining, by what it sees."""
    return out / "_".join(
        sorted({name if sensor(name) != "aviris" or len(scenes) == 1 else "aviris" for name in scenes})
    )


def pretrain(name: str, scenes: Sequence[str], steps: int, batch: int, out: Path) -> None:
    """Train for a number of steps, up to a whole epoch, and keep the checkpoint."""
    from mmhsi.engine import build_runner
    from mmhsi.registry import DATASETS

    folder = folder_of(out, scenes)
    if (folder / "encoder.pth").exists():
        return
    cfg = quietly(pretraining(name), folder)
    data = cfg.train_dataloader
    data.dataset.sensors = {scene: data.dataset.sensors[scene] for scene in scenes}
    data.batch_size = batch
    for part in data.dataset.sensors.values():
        part.dataset.samples_per_scene = min(part.dataset.samples_per_scene * 4, 384)
    # By epochs: mmengine waits two seconds whenever a loop of iterations comes to the end of its data.
    epochs = -(-steps // (len(DATASETS.build(data.dataset)) // batch))
    cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=epochs + 1)
    warm = 1 + steps // 20
    cfg.param_scheduler = [
        dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=warm),
        dict(type="CosineAnnealingLR", by_epoch=False, begin=warm, end=steps + 1),
    ]
    cfg.default_hooks.checkpoint = dict(type="AtomicCheckpointHook", interval=epochs)
    build_runner(cfg).train()
    (folder / f"epoch_{epochs}.pth").rename(folder / "encoder.pth")


def on_scene(name: str, scene: str, protocol: str, seed: int) -> Config:
    """The fine-tuning's config with the pretraining's backbone, untrained."""
    from mmhsi.engine import set_seed

    cfg = config(FINETUNING, f"{scene}_{protocol}")
    set_seed(cfg, seed)
    cfg.model.backbone = pretraining(name).model.backbone
    if scene != "enmap-potsdam-scene":  # whose file has its bands' centres
        cfg.model.backbone.wavelengths = scene.replace("-", "_")  # the catalogue's name
    return cfg


def frozen(name: str, scene: str, checkpoint: Path | None) -> dict[str, list[float]]:
    """Overall accuracy in % of both probes on every split."""
    from mmhsi.datasets import SceneDataset
    from mmhsi.evaluation.probes import knn_probe, linear_probe
    from mmhsi.inference.feature_extractor import FeatureExtractor

    torch.manual_seed(0)
    extractor = FeatureExtractor(on_scene(name, scene, "20-per-class", 0), checkpoint)
    parts = []
    for loader in ("train_dataloader", "test_dataloader"):
        dataset = extractor.dataset(loader)
        assert isinstance(dataset, SceneDataset)
        found = extractor.labelled(dataset)
        parts.append((found.features, found.labels, np.asarray(dataset.pixels)))
    values, classes, places = (np.concatenate(some) for some in zip(*parts, strict=True))
    row = np.full(int(places.max()) + 1, -1)
    row[places] = np.arange(len(places))
    result: dict[str, list[float]] = {}
    for protocol, seeds in PROTOCOLS.items():
        for seed in seeds:
            extractor.cfg = on_scene(name, scene, protocol, seed)
            train, test = (row[extractor.dataset(f"{part}_dataloader").pixels] for part in ("train", "test"))
            for method, probe in (("k-NN", knn_probe), ("linear", linear_probe)):
                right = probe(values[train], classes[train], values[test]) == classes[test]
                result.setdefault(f"{protocol} {method}", []).append(100 * float(np.mean(right)))
    return result


def trained(name: str, scene: str, checkpoint: Path | None, protocol: str, seed: int, folder: Path) -> float:
    """Overall accuracy in % after a training of all weights, of windows as they are."""
    from mmhsi.engine import build_runner

    cfg = quietly(on_scene(name, scene, protocol, seed), folder)
    cfg.model.tta = False  # of eight symmetries: most of a run's time
    if checkpoint is None:
        cfg.optim_wrapper.paramwise_cfg = None  # the tenth of the head's rate is for a pretrained encoder
    else:
        cfg.model.backbone.init_cfg = dict(type="Pretrained", checkpoint=str(checkpoint), prefix="backbone.")
    cfg.default_hooks.checkpoint = dict(type="AtomicCheckpointHook", interval=-1)
    runner = build_runner(cfg)
    runner.train()
    return float(runner.test()["OA"])


def kept(path: Path, job: Callable[[], object]) -> None:
    """Do what is not done, and keep its result."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        result = job()
        path.write_text(json.dumps(result))


def jobs(names: Sequence[str], args: argparse.Namespace) -> Iterable[tuple[Path, Callable[[], object]]]:
    """All scores: the file of each, and what makes it; those of the probes first."""
    tasks: list[tuple[int, Path, Callable[[], object]]] = []
    for scene in SCENES:
        for encoder, scenes in corpora(names, scene).items():
            checkpoint = folder_of(args.out, scenes) / "encoder.pth" if scenes else None
            base = args.out / "scores" / scene / encoder.replace(" ", "-")
            tasks.append((0, base / "frozen.json", partial(frozen, args.pretraining, scene, checkpoint)))
            for protocol, seeds in PROTOCOLS.items():
                for seed in seeds:
                    run = args.out / "runs" / f"{base.name}_{scene}_{protocol}_{seed}"
                    job = partial(trained, args.pretraining, scene, checkpoint, protocol, seed, run)
                    tasks.append((1 + seed, base / f"{protocol}_{seed}.json", job))
    return [(path, job) for _, path, job in sorted(tasks, key=lambda task: task[0])]


def scores(out: Path, scene: str, encoder: str) -> dict[str, dict[int, float]]:
    """What is finished, by protocol and method: the score of each split."""
    base = out / "scores" / scene / encoder.replace(" ", "-")
    path = base / "frozen.json"
    frozen = json.loads(path.read_text()) if path.exists() else {}
    found = {name: dict(enumerate(values)) for name, values in frozen.items()}
    for protocol, seeds in PROTOCOLS.items():
        files = {seed: base / f"{protocol}_{seed}.json" for seed in seeds}
        found[f"{protocol} trained"] = {
            seed: json.loads(file.read_text()) for seed, file in files.items() if file.exists()
        }
    return found


def cell(mine: dict[int, float], base: dict[int, float] | None, splits: int) -> str:
    """Mean, standard deviation, n where splits are missing; and against the untrained encoder, in pairs.

    Mean difference, its standard error, and how many of the pairs it wins.
    """
    if len(mine) < 2:
        return "not measured"
    values = np.asarray(list(mine.values()))
    text = f"{values.mean():.1f} ± {values.std(ddof=1):.1f}"
    if len(values) < splits:
        text += f", n = {len(values)}"
    pairs = sorted(mine.keys() & base.keys()) if base is not None else []
    if len(pairs) < 2 or base is None:
        return text
    gain = np.asarray([mine[seed] - base[seed] for seed in pairs])
    error = gain.std(ddof=1) / len(gain) ** 0.5
    return f"{text} ({gain.mean():+.1f} ± {error:.1f}, {(gain > 0).sum()} of {len(gain)})".replace("-", "−")


def table(names: Sequence[str], out: Path) -> str:
    """All scores."""
    columns = [(protocol, f"{protocol} {method}") for protocol in PROTOCOLS for method in METHODS]
    heads = [name.replace("20-per-class ", "20 a class, ").replace("disjoint ", "disjoint, ") for _, name in columns]
    lines = [f"| scene | encoder | {' | '.join(heads)} |", "| --- | --- |" + " --- |" * len(columns)]
    for scene in SCENES:
        base = scores(out, scene, UNTRAINED)
        for encoder in corpora(names, scene):
            row, against = scores(out, scene, encoder), None if encoder == UNTRAINED else base
            cells = [
                cell(row.get(name, {}), None if against is None else against.get(name), len(PROTOCOLS[protocol]))
                for protocol, name in columns
            ]
            lines.append(f"| {scene} | {encoder} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def run_all(tasks: Iterable[Callable[[], object]], pool: ProcessPoolExecutor) -> None:
    """Run in the pool's processes; the first failure ends it."""
    for future in as_completed([pool.submit(task) for task in tasks]):
        future.result()


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data", help="folder of scenes and splits")
    parser.add_argument("--pretraining", default=PRETRAINING, help="config of configs/mixed (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=2000, help="steps of each pretraining (default: 2000)")
    parser.add_argument("--batch", type=int, default=128, help="windows a step (default: 128)")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--no-run", action="store_true", help="tabulate what is finished, run nothing")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    parser.add_argument(
        "--out", type=Path, default=Path("work_dirs/mixed_transfer"), help="folder (default: %(default)s)"
    )
    args = parser.parse_args()
    args.out = args.out.resolve()
    show_own_warnings()
    os.environ["MMHSI_DATA"] = str(args.data.resolve())
    names = list(pretraining(args.pretraining).train_dataloader.dataset.sensors)
    if not args.no_run:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["mmhsi.cli.preload"])
        seen = [scenes for scene in SCENES for scenes in corpora(names, scene).values() if scenes]
        distinct = {folder_of(args.out, scenes): scenes for scenes in seen}
        with ProcessPoolExecutor(args.jobs, context) as pool:
            before = partial(pretrain, args.pretraining, steps=args.steps, batch=args.batch, out=args.out)
            run_all([partial(before, scenes) for scenes in sorted(distinct.values(), key=len, reverse=True)], pool)
            run_all([partial(kept, path, job) for path, job in jobs(names, args)], pool)
    if args.write and (missing := [path for path, _ in jobs(names, args) if not path.exists()]):
        parser.error(f"--write: {len(missing)} scores are missing, the first {missing[0]}; the page keeps its table")
    text = table(names, args.out)
    print(text, end="")
    if args.write:
        from side_by_side import replace_block

        replace_block(args.write, "mixed-transfer", text)


if __name__ == "__main__":
    main()
