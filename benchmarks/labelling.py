"""Points that `mmhsi suggest` chooses beside random ones: how many labels reach an accuracy, on three scenes.

Half of the labelled pixels, drawn at random, stand for the person who labels: a point that is asked for gets its label
from them. The other half measures the map. Both sides begin with the same random points and add as many a round; extra
trees learn from channels of the scene that were computed once.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import rasterio
from rasterio.crs import CRS
from side_by_side import pin_threads, replace_block
from sklearn.ensemble import ExtraTreesClassifier

from mmhsi.datasets import SceneDataset
from mmhsi.inference.suggestion import doubt_between, suggest_pixels
from mmhsi.io import HSICube, write_cube

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BEGIN, STEP, MOST = 20, 20, 300
"""Points at the beginning, of a round, in all."""
SHOWN = (40, 100, 200, 300)
DISTANCE = 5
SEEDS = 5
TREES = 50
GROUPS = ("spectra", "emp", "ms", "nemp", "words")
RULES = ("random", "suggest")


class Labelled(NamedTuple):
    """Labelled pixels of a scene, N of them.

    Attributes:
        spectra: What `mmhsi suggest` sees of them, (N, C).
        channels: What the classifier sees, (N, F).
        places: (row, column) of each, (N, 2).
        classes: (N,).
    """

    spectra: np.ndarray
    channels: np.ndarray
    places: np.ndarray
    classes: np.ndarray


def potsdam(root: Path, folder: Path) -> dict:
    """The tiles of EnMAP Potsdam joined to one scene again."""
    source = root / "enmap_potsdam"
    with rasterio.open(source / "enmap_landcover_unstyled.tif") as labels:
        shape, transform, crs = labels.shape, labels.transform, CRS.from_user_input(labels.crs)
    mosaic = np.full((*shape, 224), -32768, np.float32)
    for tile in sorted((source / "images").glob("*.tif")):
        column, row = (int(word) for word in tile.stem.split("_")[-2:])
        with rasterio.open(tile) as image:
            mosaic[row : row + image.height, column : column + image.width] = image.read().transpose(1, 2, 0)
            good = np.array([image.tags(band)["bbl"] != "0" for band in image.indexes])
    path = folder / "potsdam.tif"
    write_cube(path, HSICube(mosaic, good_bands=good, nodata=-32768, crs=crs, transform=transform))
    classes = ["roof", "pavement", "low vegetation", "tree", "soil", "water"]
    labelled = str((source / "enmap_landcover_unstyled.tif").resolve())
    bad = tuple(int(band) for band in np.flatnonzero(~good))
    return dict(image=str(path), labels=labelled, classes=classes, label_ids=range(1, 7), bad_bands=bad)


def read(scene: str | dict, root: str, second: bool) -> Labelled:
    """The labelled pixels of a scene."""
    groups = [*GROUPS, *["texture"] * second]
    options = dict(scene=scene, data_root=root, window=1, subset="labeled", use_second=second)
    plain = SceneDataset(**options)  # type: ignore[arg-type]
    made = SceneDataset(**options, transforms=[dict(type="SceneChannels", groups=groups)])  # type: ignore[arg-type]
    width = plain.scene.shape[1]
    flat = (data.scene.cube.data.reshape(-1, data.scene.cube.data.shape[2])[plain.pixels] for data in (plain, made))
    spectra, channels = (values.astype(np.float32) for values in flat)
    places = np.stack(np.divmod(np.asarray(plain.pixels), width), axis=1)
    return Labelled(spectra, channels, places, plain.labels.ravel()[plain.pixels])  # type: ignore[union-attr]


def curve(data: Labelled, rule: str, seed: int) -> list[float]:
    """Accuracy after every round."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(data.classes))
    pool, test = order[: len(order) // 2], order[len(order) // 2 :]
    chosen = [int(index) for index in pool[:BEGIN]]
    accuracies = []
    while True:
        trees = ExtraTreesClassifier(TREES, random_state=seed, n_jobs=1)
        trees.fit(data.channels[chosen], data.classes[chosen])
        accuracies.append(float((trees.predict(data.channels[test]) == data.classes[test]).mean()))
        if len(chosen) >= MOST:
            return accuracies
        left = np.setdiff1d(pool, chosen)
        if rule == "random":
            picked = rng.choice(len(left), STEP, replace=False)
        else:
            doubt = doubt_between(trees.predict_proba(data.channels[left]).astype(np.float32))
            picked = suggest_pixels(data.spectra[left], data.places[left], doubt, STEP, DISTANCE, seed)
        chosen += [int(index) for index in left[picked]]


def needed(curves: np.ndarray, accuracy: float) -> int | None:
    """Points at which the mean of the seeds first reaches an accuracy; None if it never does."""
    reached = np.flatnonzero(curves.mean(axis=0) >= accuracy)
    return BEGIN + STEP * int(reached[0]) if reached.size else None


def rows(name: str, curves: Mapping[str, np.ndarray]) -> list[str]:
    """Rows of the table: accuracies in per cent, and the points for what random ones reach with all."""
    goal, lines = float(curves["random"].mean(axis=0)[-1]), []
    for rule, runs in curves.items():
        cells = []
        for points in SHOWN:
            column = 100 * runs[:, (points - BEGIN) // STEP]
            cells.append(f"{column.mean():.1f} ± {column.std():.1f}")
        lines.append(f"| {name} | {rule} | {' | '.join(cells)} | {needed(runs, goal) or f'more than {MOST}'} |")
    return lines


def main() -> None:
    """Measure, print, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("MMHSI_DATA", "data"), help="(default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="(default: %(default)s)")
    parser.add_argument("--only", nargs="+", metavar="SCENE", help="scenes whose names begin so (default: all)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into this page")
    args = parser.parse_args()
    if args.write and args.seeds < SEEDS:
        parser.error(f"--seeds {args.seeds}: the page's rows are of {SEEDS} seeds, fewer do not replace them")
    pin_threads()
    columns = [f"{points} points" for points in SHOWN]
    table = [
        f"| scene | points | {' | '.join(columns)} | points for what {MOST} random ones reach |",
        f"| --- | --- |{' ---: |' * (len(SHOWN) + 1)}",
    ]
    print(*table, sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        scenes: dict[str, tuple[str | dict, bool]] = {
            "Houston crop, HSI + RGB": ("houston2018_crop", True),
            "Salinas-A": ("salinas_a", False),
            "EnMAP Potsdam": ("", False),
        }
        for name, (scene, second) in scenes.items():
            if args.only and not name.startswith(tuple(args.only)):
                continue
            data = read(scene or potsdam(Path(args.data).resolve(), Path(folder)), args.data, second)
            found = {rule: np.array([curve(data, rule, seed) for seed in range(args.seeds)]) for rule in RULES}
            made = rows(name, found)
            print(*made, sep="\n", flush=True)
            table += made
    if args.write:
        page = args.write.read_text(encoding="utf-8")
        replace_block(args.write, "labelling", "\n".join([*table[:2], *with_earlier(table[2:], page, scenes)]) + "\n")


def with_earlier(measured: list[str], page: str, order: Iterable[str]) -> list[str]:
    """Rows that were measured and a page's own of other scenes, in the order of the scenes."""
    block = page.partition("<!-- labelling: begin -->\n")[2].partition("<!-- labelling: end -->")[0]
    by_scene: dict[str, list[str]] = {}
    for row in measured:
        by_scene.setdefault(row.split(" | ")[0], []).append(row)
    here = set(by_scene)
    for row in block.splitlines()[2:]:
        if row.split(" | ")[0] not in here:
            by_scene.setdefault(row.split(" | ")[0], []).append(row)
    return [row for name in order for row in by_scene.get(f"| {name}", [])]


if __name__ == "__main__":
    main()
