"""A map of a simulated scene by `mmhsi classify`, from 30 labelled pixels a class, in under two minutes."""

import json
import os
import subprocess
import sys
from pathlib import Path

from mmhsi.cli.command import run, tool_parser
from mmhsi.errors import ConfigError, DataError

PER_CLASS = 30


def main() -> None:
    """Simulate, classify, compare with the truth."""
    parser = tool_parser(__doc__, "mmhsi demo --out demo_out")
    parser.add_argument("--out", type=Path, default=Path("demo_out"), help="folder for everything (default: demo_out)")
    out = parser.parse_args().out
    import numpy as np
    import rasterio

    from mmhsi.cli.console import end_waiting
    from mmhsi.datasets.simulation import simulate_scene, write_scene
    from mmhsi.io import read_class_map

    out.mkdir(parents=True, exist_ok=True)
    labels, mapped = out / "labels.tif", out / "map.tif"
    for path in (labels, mapped):
        if path.exists() and not (out / "demo_cube.tif").exists():
            raise DataError(f"{path}: is there, and not of a demo; move it, or give another --out")
    scene = simulate_scene()
    cube, labels_file = write_scene(scene, out)
    with rasterio.open(labels_file) as file:
        profile = file.profile
    # Of every pixel the class that most of it is: the expected accuracy is that of the whole map, mixed pixels too.
    truth = scene.abundances.argmax(axis=-1).astype(np.uint8) + 1
    rng, few = np.random.default_rng(0), np.zeros_like(truth)
    ids = [int(label) for label in np.unique(truth)]
    for label in ids:
        few.flat[rng.choice(np.flatnonzero(truth == label), PER_CLASS, replace=False)] = label
    with rasterio.open(labels, "w", **profile) as file:
        file.write(few, 1)
        file.update_tags(class_names=json.dumps(scene.class_names), class_ids=json.dumps(ids))
    print(f"A simulated scene, {PER_CLASS} labelled pixels of each of {len(ids)} classes:\n")
    command = ["classify", str(cube), str(labels), "--out", str(mapped), "--minutes", "1.5"]
    print(f"$ mmhsi {' '.join(command)}", flush=True)
    end_waiting()  # the command shows what it does by itself
    done = subprocess.run(  # noqa: S603, a command of ours
        [sys.executable, "-m", "mmhsi", *command], env=dict(os.environ, PYTHONWARNINGS="ignore"), check=False
    )
    if done.returncode:
        raise ConfigError(f"classify failed with exit status {done.returncode}; its message stands above")
    found = read_class_map(mapped)
    tested = few == 0
    right = np.isin(found.classes, range(len(ids))) & (np.asarray([*ids, *[0] * 256])[found.classes] == truth)
    share = float(right[tested].mean())
    accuracy = json.loads((out / "map.tif.work/report.json").read_text(encoding="utf-8"))["accuracy"]
    inside = accuracy["low"] <= share <= accuracy["high"]
    where = "within the expected interval" if inside else "outside the expected interval, as about one map in ten is"
    print(
        f"right on the {int(tested.sum())} other pixels, whose class the simulation knows: {100 * share:.1f} %, {where}"
    )
    print(f"\nOpen {mapped.with_suffix('.html')} for the report, {mapped} in a GIS for the map.")


if __name__ == "__main__":
    run(main)
