"""Measure classical classifiers on the data, the split and the metric of a config, as a table beside a network's.

Every feature is scaled by its mean and spread over all valid pixels of the scene; principal components and profiles use
all of them too; labels are those of the training pixels alone. Parameters are cross-validated inside the training
pixels. A second source (use_second=True) is averaged to the cube's grid and put behind its bands.

Of a segmentation config, the labelled pixels of the training tiles train and those of the test tiles test, as single
spectra, scaled by the training pixels; folds are whole tiles, or blocks of 16 x 16 pixels where there are fewer than 5.
Parameters are chosen on at most 100 training pixels a class, the classifier is then fitted to all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.options import cfg_options, config_argument, read_config
from mmhsi.engine.configs import training_dataset

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from mmengine.config import Config
    from sklearn.base import ClassifierMixin

    from mmhsi.datasets import SceneDataset
    from mmhsi.spec import InputSpec

SEARCHED = 100
"""Training pixels a class that parameters are chosen on."""
METRIC_NAMES = ("OA", "AA", "Kappa", "mIoU")


class Task(NamedTuple):
    """What a classifier is fitted to and scored on.

    Attributes:
        train: Features of the training pixels, (n, F).
        train_labels: Their classes, (n,).
        groups: What folds must not tear apart, (n,); None for single pixels.
        test: Features of the test pixels, (m, F).
        test_labels: Their classes, (m,).
        spec: Of the data set, for the metric.
    """

    train: np.ndarray
    train_labels: np.ndarray
    groups: np.ndarray | None
    test: np.ndarray
    test_labels: np.ndarray
    spec: InputSpec


def seeded_config(args: argparse.Namespace, seed: int) -> Config:
    """The config with its options and ``seed``.

    Raises:
        ConfigError: If it has no metric.
    """
    from mmhsi.engine import set_seed
    from mmhsi.errors import ConfigError

    cfg = read_config(args)
    set_seed(cfg, seed)
    if cfg.get("test_evaluator") is None:
        raise ConfigError(f"{args.config}: has no test_evaluator")
    return cfg


def scene_task(dataset: SceneDataset, features: np.ndarray) -> Task:
    """Training and test pixels of a scene's split.

    Args:
        dataset: The scene with its labels and split.
        features: Of all pixels, (H, W, F).

    Raises:
        ConfigError: If the data set has no split.
    """
    from mmhsi.errors import ConfigError

    if dataset.split is None or dataset.labels is None:
        raise ConfigError("train_dataloader.dataset has no split of the scene's pixels")
    pixels, labels, split = features.reshape(dataset.labels.size, -1), dataset.labels.ravel(), dataset.split
    return Task(pixels[split.train], labels[split.train], None, pixels[split.test], labels[split.test], dataset.spec)


def tile_task(cfg: Config) -> Task:
    """Labelled pixels of a config's training and test tiles as single spectra."""
    import numpy as np

    from mmhsi.datasets.labelled_spectra import labelled_spectra
    from mmhsi.registry import DATASETS

    pipeline = [step for step in cfg.test_dataloader.dataset.pipeline if step["type"] != "PackTile"]
    whole = dict(pipeline=pipeline, turns=(0,), window=None, stride=None)
    train, test = (
        DATASETS.build({**loader.dataset, **whole}) for loader in (cfg.train_dataloader, cfg.test_dataloader)
    )
    seen, asked = labelled_spectra(train, by_block=len(train) < 5), labelled_spectra(test)
    mean, std = seen.spectra.mean(axis=0), seen.spectra.std(axis=0)
    std = np.where(std > 0, std, 1)
    scaled = (seen.spectra - mean) / std, (asked.spectra - mean) / std
    return Task(scaled[0], seen.labels, seen.groups, scaled[1], asked.labels, test.spec)


def all_bands(dataset: SceneDataset) -> np.ndarray:
    """The cube (H, W, C), behind it the second source averaged to its grid, (H, W, C + C2)."""
    import numpy as np

    cube = dataset.cube.data
    if dataset.second is None:
        return cube
    height, width, _ = cube.shape
    scale = dataset.second_scale
    second = dataset.second.reshape(height, scale, width, scale, -1).mean(axis=(1, 3), dtype=np.float64)
    return np.concatenate([cube, second], axis=2)


def make_model(name: str, task: Task, seed: int, trees: int) -> ClassifierMixin:
    """An unfitted classifier.

    Args:
        name: ``'svm'`` (RBF), ``'rf'`` or ``'knn'``.
        task: What it is for: cross-validation has as many folds as its smallest class has training pixels, at most 5.
        seed: Of the folds and of the forest.
        trees: Of the forest.

    Raises:
        ConfigError: If a class has a single pixel and parameters are to be cross-validated.
    """
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    from mmhsi.errors import ConfigError

    if name == "rf":
        return RandomForestClassifier(n_estimators=trees, random_state=seed)
    least = int(np.unique(task.train_labels, return_counts=True)[1].min())
    if least < 2:
        raise ConfigError(f"{name}: cross-validation needs at least 2 training pixels a class, the split has {least}")
    if task.groups is None:
        folds = StratifiedKFold(min(5, least), shuffle=True, random_state=seed)
    else:
        folds = GroupKFold(5, shuffle=True, random_state=seed)
    if name == "svm":
        # Features have unit variance: 1 / F is the scale on which squared distances lie.
        grid = {"C": 10.0 ** np.arange(0, 6), "gamma": 10.0 ** np.arange(-3, 2) / task.train.shape[1]}
        return GridSearchCV(SVC(), grid, cv=folds)
    # The nearest 5 still have to be there when a fold of 2 pixels a class is split into halves.
    return GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5] if least > 5 else [1]}, cv=folds)


def measure(model: ClassifierMixin, task: Task, cfg: Config) -> dict:
    """Fit to the training pixels and score the test pixels.

    Args:
        model: Unfitted classifier.
        task: The pixels.
        cfg: Config with ``test_evaluator``.

    Returns:
        ``metrics`` in per cent, chosen ``params``, ``seconds``.
    """
    import torch
    from mmengine.evaluator import Evaluator
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV

    chosen: dict[str, float] = {}
    start = time.perf_counter()
    if isinstance(model, GridSearchCV):
        kept = some_of_each(task.train_labels, SEARCHED)
        groups = None if task.groups is None else task.groups[kept]
        chosen = model.fit(task.train[kept], task.train_labels[kept], groups=groups).best_params_
        model = clone(model.estimator).set_params(**chosen)
    model.fit(task.train, task.train_labels)
    prediction = model.predict(task.test)
    seconds = time.perf_counter() - start
    metrics = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    evaluator = Evaluator([metric for metric in metrics if metric["type"] == "LandCoverMetric"])
    evaluator.dataset_meta = task.spec.to_meta()
    sample = dict(gt_label=torch.from_numpy(task.test_labels), pred_label=torch.from_numpy(prediction))
    evaluator.process([sample])
    params = {key: float(value) for key, value in chosen.items()}
    return dict(metrics=evaluator.evaluate(1), params=params, seconds=round(seconds, 2))


def some_of_each(labels: np.ndarray, most: int) -> np.ndarray:
    """Indices of at most ``most`` pixels of every class, evenly spread over those there are.

    Args:
        labels: Class of every pixel, (n,).
        most: Pixels a class.
    """
    import numpy as np

    kept = []
    for index in np.unique(labels):
        pixels = np.flatnonzero(labels == index)
        kept.append(pixels[np.linspace(0, len(pixels) - 1, min(most, len(pixels))).astype(int)])
    return np.sort(np.concatenate(kept))


def markdown(rows: list[dict]) -> str:
    """Table of mean and standard deviation over the runs of every row."""
    import numpy as np

    lines = ["| model | features | F | " + " | ".join(METRIC_NAMES) + " |", "|" + " --- |" * (3 + len(METRIC_NAMES))]
    for row in rows:
        values = np.array([[run["metrics"][name] for name in METRIC_NAMES] for run in row["runs"]])
        cells = [f"{mean:.2f} ± {std:.2f}" for mean, std in zip(values.mean(axis=0), values.std(axis=0), strict=True)]
        lines.append(f"| {row['model']} | {row['features']} | {row['num_features']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__, "mmhsi classical_baselines configs/my_scene/cnn.py")
    config_argument(parser, "config of a scene with a split, or of labelled tiles")
    parser.add_argument("--model", nargs="+", choices=["svm", "rf", "knn"], default=["svm", "rf"])
    parser.add_argument("--features", nargs="+", help="default: spectra mean emp spectra+emp; of tiles: spectra alone")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the split and of the classifier")
    parser.add_argument("--trees", type=int, default=500, help="trees of the random forest")
    parser.add_argument("--mean-window", type=int, default=7, help="side of the window of 'mean' in pixels")
    parser.add_argument("--components", type=int, default=6, help="principal components of 'emp'")
    parser.add_argument("--radii", nargs="+", type=int, default=[2, 4, 6, 8], help="radii of the discs of 'emp'")
    parser.add_argument("--out", help="JSON file for the figures and chosen parameters of every run")
    cfg_options(parser)
    args = parser.parse_args()
    from mmengine.logging import MMLogger
    from mmengine.registry import DefaultScope

    from mmhsi.datasets.scene_features import SceneFeatures
    from mmhsi.errors import ConfigError
    from mmhsi.io.files import write_json
    from mmhsi.registry import DATASETS

    MMLogger.get_current_instance().setLevel("ERROR")  # not a table of every class for every run
    rows: dict[tuple[str, str], dict] = {}
    protocols, features = [], None
    with DefaultScope.overwrite_default_scope("mmhsi"):
        for seed in args.seeds:
            cfg = seeded_config(args, seed)
            tasks: dict[str, Task] = {}
            if training_dataset(cfg)["type"] == "TileDataset":
                if (args.features or ["spectra"]) != ["spectra"]:
                    raise ConfigError(f"--features {' '.join(args.features)}: tiles have 'spectra' alone")
                tasks["spectra"] = tile_task(cfg)
                protocol = tasks["spectra"].spec.protocol
            else:
                dataset = DATASETS.build(training_dataset(cfg))
                if features is None:  # of the scene, which the seed leaves as it is
                    scene = all_bands(dataset), dataset.valid_pixels
                    features = SceneFeatures(*scene, args.mean_window, args.components, args.radii)
                for names in args.features or ("spectra", "mean", "emp", "spectra+emp"):
                    tasks[names] = scene_task(dataset, features(names))
                protocol = dataset.split.protocol
            for names, task in tasks.items():
                for name in args.model:
                    model = make_model(name, task, seed, args.trees)
                    row = dict(model=name, features=names, num_features=task.train.shape[1], runs=[])
                    row = rows.setdefault((name, names), row)
                    row["runs"].append(dict(seed=seed, **measure(model, task, cfg)))
            protocols.append(f"{protocol}: {len(task.train)} training, {len(task.test)} test pixels")
    print(markdown(list(rows.values())))
    print(f"\nper cent, mean ± standard deviation (population) over seeds {', '.join(map(str, args.seeds))}; protocol:")
    print("\n".join(f"- {protocol}" for protocol in protocols))
    if args.out:
        options = dict(trees=args.trees, mean_window=args.mean_window, components=args.components, radii=args.radii)
        report = dict(config=args.config, options=options, protocols=protocols, rows=list(rows.values()))
        write_json(args.out, report)


if __name__ == "__main__":
    run(main)
