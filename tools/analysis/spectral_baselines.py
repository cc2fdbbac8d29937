"""Measure classifiers of single spectra on the tiles and the metric of a segmentation config, as a table.

The labelled pixels of the training tiles train and those of the test tiles test, scaled by the training pixels. The
SVM's parameters are cross-validated on at most 100 training pixels a class, in folds of whole tiles, or of blocks of
16 x 16 pixels where there are fewer than 5; it is then fitted to all. Of scenes: configs/classical.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from mmhsi.cli.command import WrittenFile, run, tool_parser, whole
from mmhsi.cli.options import cfg_options, config_argument, read_config

if TYPE_CHECKING:
    import argparse

    import numpy as np
    from mmengine.config import Config
    from sklearn.base import ClassifierMixin

    from mmhsi.spec import InputSpec

SEARCHED = 100
"""Training pixels a class that parameters are chosen on."""
METRIC_NAMES = ("OA", "AA", "Kappa", "mIoU")


class Task(NamedTuple):
    """What a classifier is fitted to and scored on.

    Attributes:
        train: Spectra of the training pixels, (n, F).
        train_labels: Their classes, (n,).
        groups: What folds must not tear apart, (n,).
        test: Spectra of the test pixels, (m, F).
        test_labels: Their classes, (m,).
        spec: Of the data set, for the metric.
    """

    train: np.ndarray
    train_labels: np.ndarray
    groups: np.ndarray
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


def tile_task(cfg: Config) -> Task:
    """Labelled pixels of a config's training and test tiles as single spectra.

    Raises:
        ConfigError: If it is no config of tiles.
    """
    import numpy as np

    from mmhsi.config_files import training_dataset
    from mmhsi.datasets.labelled_spectra import labelled_spectra
    from mmhsi.engine.fitted_transforms import with_fitted_channels
    from mmhsi.errors import ConfigError
    from mmhsi.registry import DATASETS

    if training_dataset(cfg)["type"] != "TileDataset":
        raise ConfigError("train_dataloader.dataset gives no tiles; classifiers of scenes: configs/classical")
    pipeline = [step for step in cfg.test_dataloader.dataset.pipeline if step["type"] != "PackTile"]
    whole = dict(pipeline=pipeline, turns=(0,), window=None, stride=None)
    train = DATASETS.build({**training_dataset(cfg), **whole})
    asked_of = {**cfg.test_dataloader.dataset, **whole}
    test = DATASETS.build(with_fitted_channels(asked_of, train.spec, "test_dataloader.dataset"))
    seen, asked = labelled_spectra(train, by_block=len(train) < 5), labelled_spectra(test)
    mean, std = seen.spectra.mean(axis=0), seen.spectra.std(axis=0)
    std = np.where(std > 0, std, 1)
    scaled = (seen.spectra - mean) / std, (asked.spectra - mean) / std
    return Task(scaled[0], seen.labels, seen.groups, scaled[1], asked.labels, test.spec)


def make_model(name: str, task: Task, seed: int, trees: int) -> ClassifierMixin:
    """An unfitted classifier.

    Args:
        name: ``'svm'`` (RBF) or ``'rf'``.
        task: What it is for.
        seed: Of the folds and of the forest.
        trees: Of the forest.

    Raises:
        ConfigError: If all training pixels lie in one block and parameters are to be cross-validated.
    """
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.svm import SVC

    from mmhsi.errors import ConfigError

    if name == "rf":
        return RandomForestClassifier(n_estimators=trees, random_state=seed)
    folds = min(5, len(np.unique(task.groups)))
    if folds < 2:
        raise ConfigError("svm: all training pixels lie in one block of 16 x 16, cross-validation needs at least 2")
    # Features have unit variance: 1 / F is the scale on which squared distances lie.
    grid = {"C": 10.0 ** np.arange(0, 6), "gamma": 10.0 ** np.arange(-3, 2) / task.train.shape[1]}
    return GridSearchCV(SVC(), grid, cv=GroupKFold(folds, shuffle=True, random_state=seed))


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
        chosen = model.fit(task.train[kept], task.train_labels[kept], groups=task.groups[kept]).best_params_
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

    lines = ["| model | " + " | ".join(METRIC_NAMES) + " |", "|" + " --- |" * (1 + len(METRIC_NAMES))]
    for row in rows:
        values = np.array([[run["metrics"][name] for name in METRIC_NAMES] for run in row["runs"]])
        cells = [f"{mean:.2f} ± {std:.2f}" for mean, std in zip(values.mean(axis=0), values.std(axis=0), strict=True)]
        lines.append(f"| {row['model']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__, "mmhsi spectral_baselines configs/mae/mae-ft_hsi-vit-tiny-p1_linear_enmap-potsdam.py")
    config_argument(parser, "config of labelled tiles")
    parser.add_argument("--model", nargs="+", choices=["svm", "rf"], default=["svm", "rf"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the split and of the classifier")
    parser.add_argument("--trees", type=whole(1), default=500, help="trees of the random forest")
    parser.add_argument("--out", type=WrittenFile, help="JSON file for the figures and chosen parameters of every run")
    cfg_options(parser)
    args = parser.parse_args()
    from mmengine.logging import MMLogger
    from mmengine.registry import DefaultScope

    from mmhsi.io.files import write_json
    from mmhsi.progress import watched

    MMLogger.get_current_instance().setLevel("ERROR")  # not a table of every class for every run
    rows = [dict(model=name, runs=[]) for name in args.model]
    protocols = []
    with DefaultScope.overwrite_default_scope("mmhsi"):
        for seed in watched(args.seeds, "measuring"):
            cfg = seeded_config(args, seed)
            task = tile_task(cfg)
            for row in rows:
                model = make_model(row["model"], task, seed, args.trees)
                row["runs"].append(dict(seed=seed, **measure(model, task, cfg)))
            protocols.append(f"{task.spec.protocol}: {len(task.train)} training, {len(task.test)} test pixels")
    print(markdown(rows))
    print(f"\nper cent, mean ± standard deviation (population) over seeds {', '.join(map(str, args.seeds))}; protocol:")
    print("\n".join(f"- {protocol}" for protocol in protocols))
    if args.out:
        write_json(args.out, dict(config=args.config, trees=args.trees, protocols=protocols, rows=rows))


if __name__ == "__main__":
    run(main)
