"""Where the time of the main jobs goes: the model's own work beside everything around it.

Every job runs as its command does, on its published config and real data, in a process of its own, on one thread. Time
is that of the processor, so that others' work does not count. Data: MMHSI_DATA, default ``data``.

    python benchmarks/profile_jobs.py --only segmentation
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = ROOT / "configs"
FEW_SHOT = ("mae/mae-ft_hsi-vit-tiny-p3.py", "houston2018-crop_20-per-class")

FORWARD, BACKWARD, OPTIMISER = "model: forward and loss", "model: backward", "model: clipping and optimiser"
LOADING, PREPROCESSING, MASKS = "data loading", "normalisation, windows, augmentation", "masks"
HOOKS, OUTPUT, REST = "hooks and logging", "metrics and files", "loops, and all else"
MODEL = (FORWARD, BACKWARD, OPTIMISER)


class Done(Exception):  # noqa: N818  nothing went wrong
    """Enough steps were measured."""


class Ledger:
    """Charges every moment to exactly one part: the innermost that runs.

    Args:
        clock: Gives seconds.

    Attributes:
        seconds: Of each part.
    """

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self.clock = clock
        self._running = [REST]
        self.start()

    def start(self) -> None:
        """Forget what was charged so far; what runs goes on running."""
        self.seconds: dict[str, float] = {}
        self._last = self.clock()

    def charge(self) -> None:
        """Charge the time since the last change to what runs."""
        now, part = self.clock(), self._running[-1]
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Charge what happens inside to a part."""
        self.charge()
        self._running.append(name)
        try:
            yield
        finally:
            self.charge()
            self._running.pop()

    def watch(self, owner: Any, method: str, part: str) -> Any:
        """A context in which calls of ``owner``'s method are charged to a part."""
        function = getattr(owner, method)

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return function(*args, **kwargs)

        return mock.patch.object(owner, method, timed)


def watch_runner(ledger: Ledger, stack: ExitStack, runner: Any) -> None:
    """Charge the parts of an mmengine runner's steps."""
    from torch.utils.data import DataLoader, dataloader

    from mmhsi.models import classifiers
    from mmhsi.models.backbones import sst
    from mmhsi.models.masking import Masking
    from mmhsi.models.selfsup import MAE

    model = runner.model
    watched = [
        (DataLoader, "__iter__", LOADING),
        (dataloader._BaseDataLoaderIter, "__next__", LOADING),
        (runner, "call_hook", HOOKS),
        (model.data_preprocessor, "forward", PREPROCESSING),
        (model, "_run_forward", FORWARD),
        (model, "parse_losses", HOOKS),
        (classifiers, "dihedral", PREPROCESSING),
        (sst, "row_buckets", MASKS),
    ]
    masking = getattr(model, "masking", None)
    if isinstance(masking, Masking):
        watched.append((type(masking), "__call__", MASKS))
        if isinstance(model, MAE):  # the choice of patches too
            watched.append((model, "mask", MASKS))
    for owner, method, part in watched:
        stack.enter_context(ledger.watch(owner, method, part))


def count_steps(loop: Any, begin: Callable[[], None], warm_up: int, steps: int | None) -> Any:
    """A context in which a loop calls ``begin`` after ``warm_up`` steps, and raises :class:`Done` ``steps`` later."""
    run_iter, done = loop.run_iter, 0

    def counted(*args: Any) -> None:
        nonlocal done
        if done == warm_up:
            begin()
        if steps is not None and done == warm_up + steps:
            raise Done
        done += 1
        run_iter(*args)

    return mock.patch.object(loop, "run_iter", counted)


def job_config(path: str, work_dir: str) -> Any:
    """A config, without the checkpoint that it starts from."""
    from mmengine.config import Config

    cfg = Config.fromfile(CONFIGS / path)
    cfg.launcher, cfg.work_dir = "none", work_dir
    cfg.model.backbone.pop("init_cfg", None)
    return cfg


def train(ledger: Ledger, cfg: Any, steps: int, warm_up: int) -> int:
    """Profile training steps, with all that lies between them; returns how many."""
    from mmengine.optim import OptimWrapper

    from mmhsi.engine import build_runner

    runner = build_runner(cfg)
    with ExitStack() as stack:
        watch_runner(ledger, stack, runner)
        for method, part in (("backward", BACKWARD), ("step", OPTIMISER), ("zero_grad", OPTIMISER)):
            stack.enter_context(ledger.watch(OptimWrapper, method, part))
        stack.enter_context(count_steps(runner.train_loop, ledger.start, warm_up, steps))
        try:
            runner.train()
        except Done:
            ledger.charge()
        else:
            raise SystemExit(f"{cfg.filename}: the run ended before step {warm_up + steps}")
    return steps


def trained(cfg: Any) -> Path:
    """Train two epochs and give the checkpoint."""
    from mmhsi.engine import build_runner

    cfg.train_cfg.max_epochs = 2
    build_runner(cfg).train()
    return Path(cfg.work_dir) / "epoch_2.pth"


def evaluate(ledger: Ledger, cfg: Any, steps: int, warm_up: int) -> int:
    """Profile a test from its first step after the warm-up to its metrics, on as many of the pixels, evenly spread."""
    from mmhsi.engine import build_runner

    cfg.load_from = str(trained(cfg))
    runner = build_runner(cfg)
    loop = runner.test_loop
    dataset, wanted = loop.dataloader.dataset, (warm_up + steps) * loop.dataloader.batch_size
    dataset.pixels = dataset.pixels[:: max(1, len(dataset) // wanted)][:wanted]
    with ExitStack() as stack:
        watch_runner(ledger, stack, runner)
        for method in ("process", "evaluate"):
            stack.enter_context(ledger.watch(loop.evaluator, method, OUTPUT))
        stack.enter_context(count_steps(loop, ledger.start, warm_up, None))
        runner.test()
        ledger.charge()
    return len(loop.dataloader) - warm_up


def map_scene(ledger: Ledger, cfg: Any, rows: int) -> int:
    """Profile the map of the scene's first rows, from the file to the written GeoTIFF, after a map of few rows."""
    import numpy as np

    from mmhsi.datasets.catalogue import scene_info
    from mmhsi.inference import SceneInferencer, map_run, prediction
    from mmhsi.inference.row_store import RowStore
    from mmhsi.inference.scene_rows import SceneRows
    from mmhsi.inference.window_model import WindowModel
    from mmhsi.io import open_cube
    from mmhsi.models import WindowSampler, classifiers

    inferencer = SceneInferencer(cfg, trained(cfg))
    data = cfg.test_dataloader.dataset
    info = scene_info(data.scene)
    with open_cube(Path(data.data_root) / info.image, key=info.image_key) as reader:
        cube = reader.read().data
    folder = Path(cfg.work_dir)
    for name, count in (("warm-up", 4), ("scene", rows)):
        np.save(folder / f"{name}.npy", cube[:count])
    with ExitStack() as stack:
        for owner, method, part in (
            (WindowModel, "__call__", FORWARD),
            (classifiers, "dihedral", PREPROCESSING),
            (SceneRows, "take", LOADING),
            (prediction, "gather_windows", PREPROCESSING),
            (WindowSampler, "windows", PREPROCESSING),
            (RowStore, "append", OUTPUT),
            (map_run, "values_of", OUTPUT),
            (map_run, "write_products", OUTPUT),
        ):
            stack.enter_context(ledger.watch(owner, method, part))
        inferencer.write_map(folder / "warm-up.npy", folder / "warm-up.tif")
        ledger.start()
        inferencer.write_map(folder / "scene.npy", folder / "scene.tif")
        ledger.charge()
    return min(rows, len(cube))


JOBS: dict[str, tuple[str, tuple[str, str | None], int]] = {
    "MAE pretraining": ("train", ("mae/mae_hsi-vit-tiny-p3.py", "houston2018-crop"), 60),
    "LO-MSST pretraining": ("train", ("lo_msst/lo-msst_sst-base-p8.py", "enmap-potsdam"), 60),
    "few-shot training": ("train", FEW_SHOT, 200),
    "few-shot evaluation": ("evaluate", FEW_SHOT, 10),
    "whole scene": ("map", FEW_SHOT, 16),
    "segmentation training": ("train", ("segmentation/hsi-vit-tiny-p2_linear.py", "enmap-potsdam"), 200),
}
"""What is run of which config on which data, and how many steps or rows of it."""


def table(seconds: dict[str, float], steps: int, unit: str = "step") -> list[str]:
    """Rows of a Markdown table: milliseconds of each part a step, and its share."""
    total = sum(seconds.values())
    shares = {"all": total, "**of the model**": sum(seconds.get(part, 0.0) for part in MODEL)}
    rows = [*sorted(seconds.items(), key=lambda item: -item[1]), *shares.items()]
    lines = [f"| part | ms a {unit} | share |", "| --- | ---: | ---: |"]
    return lines + [f"| {name} | {1000 * value / steps:.2f} | {100 * value / total:.1f} % |" for name, value in rows]


def run_job(name: str, steps: int | None, warm_up: int) -> None:
    """Profile one job in this process, and print its table."""
    import torch

    from mmhsi.cli.console import show_own_warnings
    from mmhsi.cli.freed_memory import keep_freed_memory
    from mmhsi.models import classifiers  # noqa: F401  what a command imports anyway

    show_own_warnings()
    keep_freed_memory()
    torch.set_num_threads(1)
    kind, (config, dataset), usual = JOBS[name]
    if dataset:
        os.environ["MMHSI_DATASET"] = dataset
        name += f" on {dataset}"
    imported = time.process_time()
    ledger, count = Ledger(), steps or usual
    with tempfile.TemporaryDirectory() as folder:
        cfg = job_config(config, folder)
        cfg.log_level = "WARNING"
        if kind == "train":
            measured = train(ledger, cfg, count, warm_up)
        elif kind == "evaluate":
            measured = evaluate(ledger, cfg, count, min(warm_up, 2))
        else:
            measured = map_scene(ledger, cfg, count)
    unit = "row" if kind == "map" else "step"
    began = time.process_time() - sum(ledger.seconds.values())
    print(
        f"\n{name}: {measured} {unit}s of {config}; before them {imported:.1f} s for imports and",
        end=" ",
    )
    print(f"{began - imported:.1f} s for data, model and warm-up\n")
    print("\n".join(table(ledger.seconds, measured, unit)), flush=True)


def main() -> None:
    """Profile the jobs, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="jobs with this in their name")
    parser.add_argument("--steps", type=int, help="steps, or rows of the scene (default: as many as suit the job)")
    parser.add_argument("--warm-up", type=int, default=10, help="training steps before (default 10)")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    failed, processes = False, multiprocessing.get_context("spawn")
    for name in JOBS:
        if args.only.lower() in name.lower():
            process = processes.Process(target=run_job, args=(name, args.steps, args.warm_up))
            process.start()
            process.join()
            failed |= process.exitcode != 0
    if failed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
