"""What `mmhsi classify` says of its maps on the fixed splits, beside what the test pixels say.

Each run is given the training pixels of one published split and nothing else. Finished runs are kept in
`benchmarks/classify_splits.json`; a command that was stopped goes on with the others. Runs with all candidates, which
depend on the minutes, have a table of their own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.cli.command import run, tool_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from mmhsi.estimator import SceneClassifier

HERE = Path(__file__).resolve().parent
RECORD = HERE / "classify_splits.json"
DOCS = HERE.parent / "docs/classify.md"
SPLITS, BUDGETS = "classify_splits", "classify_budgets"
"""Marks of the two tables in the docs."""


@dataclass(frozen=True)
class Case:
    """A scene with its published splits.

    Attributes:
        title: Of its row in the table.
        scene: Entry of the catalogue.
        protocol: Of its splits, as in their files' names.
        seeds: How many there are; of EnMAP, which has one split, seeds of the classifier.
        best: OA in per cent of the best single model of docs/results.md.
        second: Whether the second source is used.
    """

    title: str
    scene: str
    protocol: str
    seeds: int
    best: float
    second: bool = False


CASES = {
    "houston-20": Case("Houston crop, HSI + RGB, 20 a class", "houston2018_crop", "fewshot20", 5, 95.1, True),
    "houston-5": Case("Houston crop, HSI + RGB, 5 a class", "houston2018_crop", "fewshot5", 5, 91.7, True),
    "houston-disjoint": Case("Houston crop, HSI + RGB, disjoint", "houston2018_crop", "disjoint20", 8, 93.2, True),
    "salinas-20": Case("Salinas-A, 20 a class", "salinas_a", "fewshot20", 5, 100.0),
    "salinas-5": Case("Salinas-A, 5 a class", "salinas_a", "fewshot5", 5, 99.4),
    "salinas-disjoint": Case("Salinas-A, disjoint", "salinas_a", "disjoint20", 8, 99.6),
    "enmap": Case("EnMAP Potsdam, product and polygons", "enmap_potsdam", "csv", 3, 77.9),
}


@dataclass(frozen=True, eq=False)
class Given:
    """What a classifier is given, and what it is tested on.

    Attributes:
        cube: Its file.
        labels: Labels of the training pixels: ids (H, W), or a vector file.
        truth: Class of each test pixel, by its name.
        test: Flat indices of the test pixels.
        second: File of the second source, or None.
        scene: Further keys of the scene's description.
    """

    cube: Path
    labels: NDArray[np.int64] | Path
    truth: NDArray[np.str_]
    test: NDArray[np.int64]
    second: Path | None
    scene: Mapping[str, Any]


def published(case: Case, seed: int, data: Path) -> Given:
    """The training pixels of a published split of a scene, and its test pixels."""
    from mmhsi.datasets import SceneDataset

    dataset = SceneDataset(case.scene, data_root=data, window=1, subset="labeled")
    assert dataset.labels is not None
    info, labels = dataset.info, dataset.labels.ravel()
    with np.load(data / f"splits/{case.scene}_{case.protocol}_seed{seed}.npz") as split:
        train, test = split["train"], split["test"]
    few = np.zeros(labels.shape, dtype=np.int64)
    few[train] = labels[train] + 1
    scene = {"image_key": info.image_key}
    if case.second:
        scene |= {"second_key": info.second_key}
    names = np.array([f"class {index + 1}" for index in range(len(dataset.spec.classes))])
    second = data / str(info.second_image) if case.second else None
    return Given(data / info.image, few.reshape(dataset.labels.shape), names[labels[test]], test, second, scene)


def enmap(folder: Path, data: Path) -> Given:
    """EnMAP's tiles as the product they were cut from, the land cover of the training tiles as polygons."""
    import rasterio
    from affine import Affine

    from mmhsi.datasets.catalogue import scene_info
    from mmhsi.io.vector_writer import write_areas

    sys.path.insert(0, str(HERE.parent / "tests"))
    import product_layouts

    source, names = data / "enmap_potsdam", list(scene_info("enmap_potsdam").classes)
    with rasterio.open(source / "enmap_landcover_unstyled.tif") as file:
        ids, crs, transform = file.read(1).astype(np.int64), file.crs, Affine(*file.transform[:6])
    mosaic, parts = np.full((*ids.shape, 224), -32768, np.int16), {}
    for tile in sorted((source / "images").glob("*.tif")):
        column, row = (int(word) for word in tile.stem.split("_")[-2:])
        with rasterio.open(tile) as image:
            tags = [image.tags(band) for band in image.indexes]
            parts[tile.name] = slice(row, row + image.height), slice(column, column + image.width)
            mosaic[parts[tile.name]] = image.read().transpose(1, 2, 0)
    nm, fwhm = (np.array([float(tag[name]) for tag in tags]) for name in ("wavelength", "fwhm"))
    empty = tuple(band for band, tag in enumerate(tags) if tag["bbl"] == "0")
    vnir = list(range(1, 92))
    product = product_layouts.enmap(folder, mosaic, nm, vnir, fwhm=fwhm, transform=transform, empty=empty)

    def labelled(subset: str) -> NDArray[np.bool_]:
        chosen = np.zeros(ids.shape, dtype=bool)
        for line in (source / f"{subset}_files.csv").read_text().splitlines()[1:]:
            chosen[parts[Path(line.split(",")[0]).name]] = True
        return chosen & (ids > 0)

    drawn = np.where(labelled("train"), ids - 1, 255)
    write_areas(folder / "train.gpkg", drawn, names, [1, 2, 3, 4, 5, 6], crs, transform)
    test = np.flatnonzero(labelled("test"))
    return Given(product, folder / "train.gpkg", np.array(names)[ids.ravel()[test] - 1], test, None, {})


def measure(given: Given, model: SceneClassifier, folder: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Fit, map, and look at the test pixels: plain figures of one run."""
    from mmhsi.evaluation import reliability
    from mmhsi.inference import SceneInferencer
    from mmhsi.io import read_cube
    from mmhsi.models.weights import read_checkpoint, write_checkpoint

    begin = time.monotonic()
    options: dict[str, Any] = dict(second=given.second, scene=given.scene)
    model.fit(given.cube, given.labels, workdir=folder / "work", say=say, **options)
    result, report = model.predict(given.cube, out=folder / "map.tif", **options), model.report
    seconds = time.monotonic() - begin
    index = {name: place for place, name in enumerate(result.names)}
    truth = np.array([index.get(name, -1) for name in given.truth])
    scores = result.probabilities.reshape(-1, len(index))[given.test]
    checkpoint = read_checkpoint(model.checkpoint_)  # powers of what float32 rounded to 0 cannot be undone
    checkpoint["meta"]["model"]["temperature"] = 1.0
    write_checkpoint(checkpoint, folder / "raw.pth")
    SceneInferencer(None, folder / "raw.pth").write_map(
        given.cube,
        folder / "raw.tif",
        key=given.scene.get("image_key"),
        second=given.second,
        second_key=given.scene.get("second_key"),
        probabilities=folder / "raw.probabilities.tif",
    )
    raw = read_cube(folder / "raw.probabilities.tif").data.reshape(-1, len(index))[given.test]
    accuracy = float((result.classes.ravel()[given.test] == truth).mean())
    return dict(
        test=accuracy,
        expected=report.accuracy.value,
        low=report.accuracy.low,
        high=report.accuracy.high,
        random=report.random if np.isfinite(report.random) else None,
        ece=[reliability(some, truth).expected_error for some in (raw, scores)],
        seconds=round(seconds, 1),
        candidates={one["name"]: round(one["accuracy"], 4) for one in report.candidates},
        weights=report.weights,
        folds=report.folds,
    )


def table(record: Mapping[str, Mapping[str, Any]]) -> str:
    """All finished runs as Markdown, a row a case, and what they come to."""
    lines = [
        "| training pixels of | runs | test OA | expected | in the 90 % interval | width | pixel by pixel | ECE before "
        "→ after | best single model | s a run |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    inside, errors, total = 0, [], 0
    for name, case in CASES.items():
        runs = [record[key] for seed in range(case.seeds) if (key := f"{name} {seed}") in record]
        if not runs:
            continue
        held = sum(one["low"] <= one["test"] <= one["high"] for one in runs)
        before, after = np.mean([one["ece"] for one in runs], axis=0)
        errors.append((before, after))
        inside, total = inside + held, total + len(runs)
        test = np.array([100 * one["test"] for one in runs])
        spread = f" ± {test.std(ddof=1):.1f}" if len(runs) > 1 else ""
        random = [100 * one["random"] for one in runs if one["random"] is not None]
        width = 100 * np.mean([one["high"] - one["low"] for one in runs])
        lines.append(
            f"| {case.title} | {len(runs)} | {test.mean():.1f}{spread} | "
            f"{100 * np.mean([one['expected'] for one in runs]):.1f} | {held} of {len(runs)} | {width:.1f} | "
            f"{f'{np.mean(random):.1f}' if random else '-'} | {before:.3f} → {after:.3f} | {case.best} | "
            f"{np.mean([one['seconds'] for one in runs]):.0f} |"
        )
    before, after = np.mean(errors, axis=0)
    lines += [
        "",
        f"The 90 % interval holds the test figure in {inside} of {total} runs ({100 * inside / total:.0f} %). Mean ECE "
        f"over the rows: {before:.3f} before calibration, {after:.3f} after.",
    ]
    return "\n".join(lines)


def budget_table(record: Mapping[str, Mapping[str, Any]]) -> str:
    """The finished runs with all candidates as Markdown, a row each."""
    lines = [
        "| minutes | training pixels of | s | tried | test OA | expected |",
        "| ---: | --- | ---: | ---: | ---: | --- |",
    ]
    keys = [key for key in record if key.endswith(" min")]
    for key in sorted(keys, key=lambda key: (int(key.split()[2]), key)):
        (name, _, minutes, _), one = key.split(), record[key]
        expected = f"{100 * one['expected']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"
        lines.append(
            f"| {minutes} | {CASES[name].title} | {one['seconds']:.0f} | {len(one['candidates'])} | "
            f"{100 * one['test']:.1f} | {expected} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what is missing, and print or write the table."""
    parser = tool_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MMHSI_DATA", "data")), help="(%(default)s)")
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=list(CASES), help="(default: all)")
    parser.add_argument("--seeds", nargs="+", type=int, help="splits of each (default: all)")
    parser.add_argument("--minutes", type=int, default=10, help="budget of each run (default: 10)")
    parser.add_argument("--models", nargs="+", default=["auto"], help="as of mmhsi classify")
    parser.add_argument("--stop-after", type=float, default=float("inf"), help="begin no run after so many minutes")
    parser.add_argument("--record", type=Path, default=RECORD, help="file of the finished runs (default: %(default)s)")
    parser.add_argument("--no-run", action="store_true", help="tabulate what is finished, run nothing")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/classify.md")
    args = parser.parse_args()
    from mmhsi.errors import ConfigError
    from mmhsi.estimator import SceneClassifier
    from mmhsi.io.files import write_whole

    record: dict[str, Any] = json.loads(args.record.read_text()) if args.record.exists() else {}
    models = "auto" if args.models == ["auto"] else args.models
    suffix = f" {args.minutes} min" if models == "auto" else ""
    begin = time.monotonic()
    for name in () if args.no_run else args.cases:
        case = CASES[name]
        for seed in args.seeds or range(case.seeds):
            key = f"{name} {seed}{suffix}"
            if key in record or seed >= case.seeds or time.monotonic() - begin > 60 * args.stop_after:
                continue
            with tempfile.TemporaryDirectory(prefix="mmhsi-") as made:
                folder = Path(made)
                given = enmap(folder, args.data) if name == "enmap" else published(case, seed, args.data)
                model = SceneClassifier(args.minutes, models, seed=seed if name == "enmap" else 0)
                found = measure(given, model, folder, lambda line: print(f"    {line}", flush=True))
            record[key] = found
            write_whole(args.record, json.dumps(record, indent=1, sort_keys=True) + "\n")
            print(f"{key}: test {found['test']:.3f}, expected {found['expected']:.3f}", flush=True)
    if args.write:
        keys = [f"{name} {seed}" for name, case in CASES.items() for seed in range(case.seeds)]
        if missing := [key for key in keys if key not in record]:
            raise ConfigError(
                f"{args.record}: lacks {len(missing)} runs, the first {missing[0]}; the page keeps its table"
            )
        text = DOCS.read_text(encoding="utf-8")
        for mark, made in ((SPLITS, table(record)), (BUDGETS, budget_table(record))):
            before, _, rest = text.partition(f"<!-- {mark} -->")
            text = f"{before}<!-- {mark} -->\n{made}\n<!-- /{mark} -->{rest.partition(f'<!-- /{mark} -->')[2]}"
        write_whole(DOCS, text)
    elif record:
        print(f"{table(record)}\n\n{budget_table(record)}")


if __name__ == "__main__":
    run(main)
