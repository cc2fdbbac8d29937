"""From a product and polygons to a map by the commands alone: EnMAP Potsdam, timed and measured on its test tiles.

The tiles become the L2A product that they were cut from, the land cover of the training tiles polygons in a GeoPackage.
Then a person's two ways: `mmhsi classify`, and a config with `mmhsi train` and `mmhsi predict`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from classify_splits import enmap

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.console import end_waiting
from mmhsi.errors import MMHSIError

if TYPE_CHECKING:
    from classify_splits import Given

CONFIG = """
_base_ = [
    "{root}/configs/_base_/models/pixel_cnn2d.py",
    "{root}/configs/_base_/datasets/scene_20-per-class.py",
    "{root}/configs/_base_/schedules/adamw_scratch_100e.py",
    "{root}/configs/_base_/default_runtime.py",
]
scene = dict(image="{product}", labels="train.gpkg")
split = dict(type="DisjointSplit", per_class=50, window=9, by="polygon")
train_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
test_dataloader = dict(dataset=dict(scene=scene, data_root="{folder}", split=split))
train_cfg = dict(max_epochs={epochs})
default_hooks = dict(checkpoint=dict(interval={epochs}))
"""


def command(*words: object) -> float:
    """Run `mmhsi WORDS`; gives the seconds that it took."""
    begin = time.monotonic()
    end_waiting()  # the command shows what it does by itself
    done = subprocess.run([sys.executable, "-m", "mmhsi", *map(str, words)], check=False)
    if done.returncode:
        raise MMHSIError(f"mmhsi {words[0]} ended with {done.returncode}")
    return time.monotonic() - begin


def accuracy(out: Path, given: Given) -> float:
    """Share of the test pixels whose class on a map is the right one, in per cent."""
    from mmhsi.io import read_class_map

    found = read_class_map(out)
    index = {name: place for place, name in enumerate(found.names)}
    truth = np.array([index.get(name, -1) for name in given.truth])
    return 100 * float((found.classes.ravel()[given.test] == truth).mean())


def main() -> None:
    """Both ways, a line each."""
    parser = tool_parser(__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("MMHSI_DATA", "data")), help="(%(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="of mmhsi classify (default: 10)")
    parser.add_argument("--epochs", type=int, default=100, help="of mmhsi train (default: 100)")
    parser.add_argument("--keep", type=Path, help="folder for product, polygons and maps (default: a temporary one)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mmhsi-") as made:
        folder = (args.keep or Path(made)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        given, polygons = enmap(folder, args.data), folder / "train.gpkg"
        seconds = command(
            "classify", given.cube, polygons, "--out", folder / "map.tif", "--minutes", args.minutes, "--quiet"
        )
        of = f"% of {len(given.test)} test pixels"
        print(f"classify: {seconds:.0f} s, {accuracy(folder / 'map.tif', given):.1f} {of}", flush=True)
        config, work, out = folder / "potsdam.py", folder / "run", folder / "trained.tif"
        root = Path(__file__).resolve().parents[1]
        names = dict(root=root.as_posix(), folder=folder.as_posix(), product=given.cube.name, epochs=args.epochs)
        config.write_text(CONFIG.format(**names))
        seconds = command("train", config, "--work-dir", work)
        seconds += command("predict", config, work / f"epoch_{args.epochs}.pth", given.cube, "--out", out)
        print(f"train and predict: {seconds:.0f} s, {accuracy(out, given):.1f} {of}")


if __name__ == "__main__":
    run(main)
