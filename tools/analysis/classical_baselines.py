"""Measure classical classifiers on the data, the split and the metric of a config, as a table beside a network's.

Every feature is scaled by its mean and spread over all valid pixels of the scene; principal components and profiles use
all of them too; labels are those of the training pixels alone. Parameters are cross-validated inside the training
pixels. A second source (use_second=True) is averaged to the cube's grid and put behind its bands.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.options import config_argument, read_config
from mmhsi.engine.configs import training_dataset

if TYPE_CHECKING:
    import numpy as np
    from sklearn.base import ClassifierMixin

    from mmhsi.datasets import SceneDataset

METRIC_NAMES = ("OA", "AA", "Kappa")


def load_dataset(args: argparse.Namespace, seed: int) -> tuple[SceneDataset, Config]:
    """The config's training data, split by ``seed``.

    Raises:
        ConfigError: If it is no scene with a split, or the config has no metric.
    """
    from mmhsi.datasets import SceneDataset
    from mmhsi.engine import set_seed
    from mmhsi.errors import ConfigError
    from mmhsi.registry import DATASETS

    cfg = read_config(args)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    set_seed(cfg, seed)
    if cfg.get("test_evaluator") is None:
        raise ConfigError(f"{args.config}: has no test_evaluator")
    dataset = DATASETS.build(training_dataset(cfg))
    if not isinstance(dataset, SceneDataset) or dataset.split is None:
        raise ConfigError(f"{args.config}: train_dataloader.dataset has no split of one scene's pixels")
    return dataset, cfg


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


def make_model(name: str, num_features: int, least: int, seed: int, trees: int) -> ClassifierMixin:
    """An unfitted classifier.

    Args:
        name: ``'svm'`` (RBF), ``'rf'`` or ``'knn'``.
        num_features: F.
        least: Training pixels of the smallest class: cross-validation has as many folds, at most 5.
        seed: Of the folds and of the forest.
        trees: Of the forest.

    Raises:
        ConfigError: If a class has a single pixel and parameters are to be cross-validated.
    """
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    from mmhsi.errors import ConfigError

    if name == "rf":
        return RandomForestClassifier(n_estimators=trees, random_state=seed)
    if least < 2:
        raise ConfigError(f"{name}: cross-validation needs at least 2 training pixels a class, the split has {least}")
    folds = StratifiedKFold(min(5, least), shuffle=True, random_state=seed)
    if name == "svm":
        # Features have unit variance: 1 / F is the scale on which squared distances lie.
        grid = {"C": 10.0 ** np.arange(0, 6), "gamma": 10.0 ** np.arange(-3, 2) / num_features}
        return GridSearchCV(SVC(), grid, cv=folds)
    # The nearest 5 still have to be there when a fold of 2 pixels a class is split into halves.
    return GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5] if least > 5 else [1]}, cv=folds)


def measure(model: ClassifierMixin, pixels: np.ndarray, dataset: SceneDataset, cfg: Config) -> dict:
    """Fit to the training pixels and score the test pixels.

    Args:
        model: Unfitted classifier.
        pixels: Features of all pixels, (H · W, F).
        dataset: The scene with its labels and split.
        cfg: Config with ``test_evaluator``.

    Returns:
        ``metrics`` in per cent, chosen ``params``, ``seconds``.
    """
    import torch
    from mmengine.evaluator import Evaluator

    labels, split = dataset.labels.ravel(), dataset.split
    start = time.perf_counter()
    model.fit(pixels[split.train], labels[split.train])
    prediction = model.predict(pixels[split.test])
    seconds = time.perf_counter() - start
    evaluator = Evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = dataset.metainfo
    sample = dict(gt_label=torch.from_numpy(labels[split.test]), pred_label=torch.from_numpy(prediction))
    evaluator.process([sample])
    chosen = {key: float(value) for key, value in getattr(model, "best_params_", {}).items()}
    return dict(metrics=evaluator.evaluate(1), params=chosen, seconds=round(seconds, 2))


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
    parser = tool_parser(__doc__)
    config_argument(parser, "config file whose train_dataloader.dataset has a split")
    parser.add_argument("--model", nargs="+", choices=["svm", "rf", "knn"], default=["svm", "rf"])
    parser.add_argument("--features", nargs="+", default=["spectra", "mean", "emp", "spectra+emp"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the split and of the classifier")
    parser.add_argument("--trees", type=int, default=500, help="trees of the random forest")
    parser.add_argument("--mean-window", type=int, default=7, help="side of the window of 'mean' in pixels")
    parser.add_argument("--components", type=int, default=6, help="principal components of 'emp'")
    parser.add_argument("--radii", nargs="+", type=int, default=[2, 4, 6, 8], help="radii of the discs of 'emp'")
    parser.add_argument("--out", help="JSON file for the figures and chosen parameters of every run")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    args = parser.parse_args()
    import numpy as np
    from mmengine.logging import MMLogger
    from mmengine.registry import DefaultScope

    from mmhsi.datasets.scene_features import SceneFeatures

    MMLogger.get_current_instance().setLevel("ERROR")  # not a table of every class for every run
    rows: dict[tuple[str, str], dict] = {}
    protocols, features = [], None
    with DefaultScope.overwrite_default_scope("mmhsi"):
        for seed in args.seeds:
            dataset, cfg = load_dataset(args, seed)
            if features is None:  # of the scene, which the seed leaves as it is
                scene = all_bands(dataset), dataset.valid_pixels
                features = SceneFeatures(*scene, args.mean_window, args.components, args.radii)
            train, test = dataset.split.train, dataset.split.test
            protocols.append(f"{dataset.split.protocol}: {len(train)} training, {len(test)} test pixels")
            counts = np.unique(dataset.labels.ravel()[train], return_counts=True)[1]
            for names in args.features:
                pixels = features(names).reshape(dataset.labels.size, -1)
                for name in args.model:
                    model = make_model(name, pixels.shape[1], int(counts.min()), seed, args.trees)
                    row = dict(model=name, features=names, num_features=pixels.shape[1], runs=[])
                    row = rows.setdefault((name, names), row)
                    row["runs"].append(dict(seed=seed, **measure(model, pixels, dataset, cfg)))
    print(markdown(list(rows.values())))
    print(f"\nper cent, mean ± standard deviation (population) over seeds {', '.join(map(str, args.seeds))}; protocol:")
    print("\n".join(f"- {protocol}" for protocol in protocols))
    if args.out:
        options = dict(trees=args.trees, mean_window=args.mean_window, components=args.components, radii=args.radii)
        report = dict(config=args.config, options=options, protocols=protocols, rows=list(rows.values()))
        Path(args.out).parent.mkdir(parents=True, exist_ok=True)
        Path(args.out).write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    run(main)
