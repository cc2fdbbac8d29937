"""Kill training runs at random moments, resume them, and compare with runs that nobody killed.

Every kill is a SIGKILL of a process of ``tools/train.py``; every comparison is of all bits of the last checkpoint
(weights, optimiser, schedules, moving averages) and of the metrics. Data: MMHSI_DATA, default ``data``.

    python benchmarks/crash_test.py --kills 30
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from experiments.runner import start_tool
from mmengine.config import Config
from torch import Tensor

from mmhsi.cli.termination import AGAIN
from mmhsi.engine import newest_checkpoint
from mmhsi.models.weights import read_checkpoint

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

ROOT = Path(__file__).resolve().parents[1]
WORKERS = {"train_dataloader.num_workers": 2, "train_dataloader.persistent_workers": True}


@dataclass
class Case:
    """A run that is to be killed.

    Attributes:
        config: File under ``configs/``, on its default data where it is written for several.
        options: Keys of the config that are changed.
        hooks: Further hooks.
    """

    config: str
    options: dict = field(default_factory=dict)
    hooks: Sequence[dict] = ()


CASES = {
    "classification: dropout, augmentation, moving average, best checkpoint": Case(
        "hsi_vit/hsi-vit-tiny-p3.py",
        {
            "train_cfg": dict(by_epoch=True, max_epochs=6, val_interval=2),
            "model.backbone.drop_rate": 0.1,
            "model.backbone.drop_path_rate": 0.1,
            "model.tta": False,
            "default_hooks.checkpoint.save_best": "OA",
        },
        hooks=[dict(type="EMAHook", momentum=0.1)],
    ),
    "MAE: 2 workers, accumulated gradients": Case(
        "dinov2/mae_hsi-vit-tiny.py",
        {**WORKERS, "model.backbone.patch_size": 2, "optim_wrapper.accumulative_counts": 3},
    ),
    "SS-MAE: MRS masks": Case(
        "ss_mae/ss-mae-mrs_vit-tiny-w7.py",
        {"train_dataloader.dataset.stride": 8, "train_dataloader.batch_size": 32},
    ),
    "LO-MSST: layer pruning": Case(
        "lo_msst/lo-msst_sst-tiny-p4.py",
        {"default_hooks.pruning": dict(type="LayerPruningHook", interval=1, num_layers=2)},
    ),
    "IMAE: windows of several sizes, 2 workers": Case(
        "imae/imae_imae-vit-tiny.py",
        {**WORKERS, "train_dataloader.dataset.stride": 4, "train_dataloader.batch_size": 64},
    ),
    "DINOv2: moving teacher, 2 workers": Case(
        "dinov2/dinov2_hsi-vit-tiny.py", {**WORKERS, "model.backbone.patch_size": 2}
    ),
    "segmentation: counted in iterations, 2 workers": Case(
        "segmentation/hsi-vit-tiny-p2_linear.py",
        {
            **WORKERS,
            "train_dataloader.sampler": dict(type="SeededInfiniteSampler"),
            "train_cfg": dict(_delete_=True, by_epoch=False, max_iters=18, val_interval=6),
            "default_hooks.checkpoint": dict(type="AtomicCheckpointHook", by_epoch=False, interval=5, max_keep_ckpts=2),
        },
    ),
}


def write_config(case: Case, path: Path, shrink: Callable[[Config], None] | None = None) -> Path:
    """Write a case's config: a checkpoint an epoch, few epochs."""
    cfg = Config.fromfile(ROOT / "configs" / case.config)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=4)
    cfg.default_hooks.checkpoint.update(interval=1)
    cfg.default_hooks.pop("reconstruction", None)
    cfg.merge_from_dict(copy.deepcopy(case.options))  # mmengine takes `_delete_` out of what it merges
    cfg.custom_hooks = [*cfg.custom_hooks, *case.hooks]
    if shrink is not None:
        shrink(cfg)
    cfg.dump(path)
    return path


def start(config: Path, work_dir: Path) -> BaseProcess:
    """Start a run of ``tools/train.py``, or go on with it."""
    work_dir.mkdir(parents=True, exist_ok=True)
    words = [str(ROOT / "tools/train.py"), str(config), "--work-dir", str(work_dir), "--resume"]
    if Config.fromfile(config).get("test_dataloader"):
        words += ["--report", str(work_dir / "report.json")]
    return start_tool(words, work_dir / "output.log")


def finish(config: Path, work_dir: Path) -> float:
    """Run to the end and give the seconds.

    Raises:
        RuntimeError: If the run fails.
    """
    began = time.monotonic()
    process = start(config, work_dir)
    process.join()
    if process.exitcode:
        raise RuntimeError((work_dir / "output.log").read_text()[-2000:])
    return time.monotonic() - began


def kill(config: Path, work_dir: Path, when: Callable[[], bool], how: int = signal.SIGKILL) -> bool:
    """Run until ``when`` is true, then send a signal; SIGTERM to all processes, as schedulers do.

    Returns:
        Whether it ended by that; otherwise it had ended before.

    Raises:
        RuntimeError: If the run fails on its own.
    """
    process = start(config, work_dir)
    while process.is_alive() and not when():
        time.sleep(0.001)
    with suppress(ProcessLookupError, FileNotFoundError):
        pid = str(process.pid)
        loaders = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for number in [*loaders, pid] if how == signal.SIGTERM else [pid]:
            os.kill(int(number), how)
    process.join()
    if process.exitcode not in (0, -signal.SIGKILL, AGAIN):
        raise RuntimeError((work_dir / "output.log").read_text()[-2000:])
    return process.exitcode != 0


def after(seconds: float) -> Callable[[], bool]:
    """Whether so many seconds have passed from now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def outcome(work_dir: Path) -> dict:
    """What a run leaves: everything of its last checkpoint that is not time, and its metrics."""
    newest = newest_checkpoint(work_dir)
    assert newest is not None
    checkpoint = read_checkpoint(newest[0])
    kept = {key: checkpoint[key] for key in checkpoint if key not in ("meta", "message_hub")}
    kept["progress"] = {key: checkpoint["meta"][key] for key in ("epoch", "iter")}
    kept["best"] = checkpoint["message_hub"]["runtime_info"].get("best_score")
    kept["files"] = sorted(file.name for file in work_dir.glob("*.pth"))
    for best in work_dir.glob("best_*.pth"):
        kept[best.name] = read_checkpoint(best)["state_dict"]
    if (work_dir / "report.json").is_file():
        kept["report"] = json.loads((work_dir / "report.json").read_text())
    return kept


def differences(a: object, b: object, at: str = "") -> list[str]:
    """Where two nested structures differ in any bit."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            return [f"{at}: keys {sorted(map(str, a.keys() ^ b.keys()))}"]
        return [line for key in a for line in differences(a[key], b[key], f"{at}/{key}")]
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        if len(a) != len(b):
            return [f"{at}: {len(a)} and {len(b)} items"]
        return [line for index in range(len(a)) for line in differences(a[index], b[index], f"{at}/{index}")]
    same = torch.equal(a, b) if isinstance(a, Tensor) and isinstance(b, Tensor) else a == b
    return [] if same else [at]


def crash(config: Path, folder: Path, kills: int, rng: random.Random) -> tuple[int, int, list[str]]:
    """Kill a run so many times, at moments drawn from the time that an undisturbed one takes.

    Returns:
        Kills, runs that ended (each killed at least once, if ``kills`` allows), and differences from the undisturbed.
    """
    undisturbed = folder / "undisturbed"
    seconds = finish(config, undisturbed)
    expected = outcome(undisturbed)
    done, runs, found = 0, 0, []
    while done < kills:
        run = folder / f"run{runs}"
        while done < kills:
            if not kill(config, run, after(rng.uniform(0, seconds))):
                break
            done += 1
        finish(config, run)
        runs += 1
        found += differences(expected, outcome(run))
        shutil.rmtree(run)
    return done, runs, found


def main() -> None:
    """Kill, resume, compare, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30, help="kills altogether (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the moments (default 0)")
    parser.add_argument("--only", default="", help="cases with this in their name")
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    rng = random.Random(args.seed)  # noqa: S311, no secret
    names = [name for name in CASES if args.only.lower() in name.lower()]
    total = [0, 0, 0]
    print("| run | kills | resumed to the end | identical |\n| --- | ---: | ---: | --- |", flush=True)
    for index, name in enumerate(names):
        kills = args.kills * (index + 1) // len(names) - args.kills * index // len(names)
        with tempfile.TemporaryDirectory() as folder:
            config = write_config(CASES[name], Path(folder) / "config.py")
            done, runs, found = crash(config, Path(folder), kills, rng)
        print(f"| {name} | {done} | {runs} | {'yes' if not found else 'NO: ' + ', '.join(found[:3])} |", flush=True)
        total = [total[0] + done, total[1] + runs, total[2] + (not found)]
    print(f"| all | {total[0]} | {total[1]} | {total[2]} of {len(names)} |")
    if total[2] < len(names):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
