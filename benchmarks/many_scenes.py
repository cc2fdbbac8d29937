"""An archive of tiny scenes: ``python benchmarks/many_scenes.py [--scenes 100] [--finished 9900] [--kill 0.5]``.

Measures what a process that maps them holds (memory, open files), kills it on the way, and how long the next start
takes to its first new map, and one that has nothing left to do. Those of ``--finished`` are copies of one scene with
its map and record, made before the kill: the next start has to find that they stand, and to put them into the summary.
Everything is generated, in a temporary folder.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from mmengine.config import Config
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_inference import inferencer, pixel_model
from side_by_side import prepare

from mmhsi.io import HSICube, write_cube
from mmhsi.io.file_states import file_states
from mmhsi.io.json_file import read_state, write_state

BANDS, SIDE = 8, 16
TOOL = Path(__file__).resolve().parents[1] / "tools/predict.py"
COMMAND = [sys.executable, str(TOOL), "config.py", "model.pth", "--list", "list.txt", "--out-dir", "maps"]
COMMAND += ["--device", "cpu"]


def make(folder: Path, count: int) -> None:
    """So many scenes side by side, a list of them, and a model."""
    rng = np.random.default_rng(0)
    names = []
    for index in range(count):
        place = from_origin(366000 + index % 100 * SIDE * 30, 5800000 - index // 100 * SIDE * 30, 30, 30)
        names.append(f"in/{index:05d}.tif")
        data = rng.integers(0, 3000, (SIDE, SIDE, BANDS)).astype(np.uint16)
        write_cube(folder / names[-1], HSICube(data, crs=CRS.from_epsg(32633), transform=place))
    (folder / "list.txt").write_text("\n".join(names))
    model = pixel_model(dict(type="CNN2D", embed_dims=16), 32, BANDS)
    inferencer(folder, model, BANDS, 6, 5, 512)
    Config(dict(model=model)).dump(folder / "config.py")


def finish(folder: Path, count: int) -> None:
    """So many further scenes, named before the others, that seem to have been mapped."""
    scene, made = folder / "in/00000.tif", folder / "maps/00000.tif"
    record = read_state(folder / "maps/records/00000.tif.json", "a record")
    names = []
    for index in range(count):
        name = f"copy_{index:05d}.tif"
        copy = Path(shutil.copyfile(scene, folder / "in" / name))
        written = Path(shutil.copyfile(made, folder / "maps" / name)).stat()
        record.update(scene=f"in/{name}", map=name, files=file_states([copy]))
        record["made_by"][-1] = os.path.realpath(copy)
        record["written"] = [written.st_size, written.st_mtime_ns]
        write_state(folder / f"maps/records/{name}.json", record)
        names.append(f"in/{name}")
    (folder / "list.txt").write_text("\n".join([*names, (folder / "list.txt").read_text()]))


def done(folder: Path) -> int:
    """Maps that are finished."""
    records = folder / "maps/records"
    return len(list(records.iterdir())) if records.exists() else 0


def run(folder: Path, before: int, stop_at: int | None = None) -> None:
    """Map until the end, or kill the process when so many maps are there; tell what it held on the way."""
    begin = time.monotonic()
    process = subprocess.Popen(COMMAND, cwd=folder, stdout=subprocess.DEVNULL)
    first, held = None, []
    while process.poll() is None:
        count = done(folder)
        if count > before and first is None:
            first = time.monotonic() - begin
            begin_maps, at_first = time.monotonic(), count
        if first is not None:
            try:
                memory = Path(f"/proc/{process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
                held.append((count, int(memory) / 2**20, len(os.listdir(f"/proc/{process.pid}/fd"))))  # noqa: PTH208
            except (FileNotFoundError, IndexError):
                pass
        if stop_at is not None and count >= stop_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(1 if first is not None and stop_at is None else 0.05)
    if first is None:
        raise SystemExit("every scene was finished before: take more --scenes, or a smaller --kill")
    rate, whole = (done(folder) - at_first) / (time.monotonic() - begin_maps), time.monotonic() - begin
    print(
        f"first new map after {first:.1f} s, then {rate:.1f} maps/s to {done(folder)}, {whole:.0f} s in all "
        f"(status {process.returncode})"
    )
    for count, gib, files in held[:: max(1, len(held) // 6)]:
        print(f"  {count} maps: {gib:.3f} GiB, {files} open files")


def start_again(folder: Path) -> None:
    """Give the command once more and tell what it takes to see that all is done."""
    before, begin = os.times(), time.monotonic()
    subprocess.run(COMMAND, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after, wall = os.times(), time.monotonic() - begin
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"nothing left to do: {spent:.1f} s of the processor, {wall:.1f} s in all")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=100, help="scenes that are mapped")
    parser.add_argument("--finished", type=int, default=9900, help="further ones that are found finished")
    parser.add_argument("--kill", type=float, default=0.5, help="share of the scenes after which it is killed")
    options = parser.parse_args()
    prepare()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        make(root, options.scenes)
        run(root, 0, int(options.kill * options.scenes))
        finish(root, options.finished)
        run(root, done(root))
        for _ in range(3):
            start_again(root)
        print((root / "maps/summary.csv").read_text().count(",done,"), "scenes done in the table")
