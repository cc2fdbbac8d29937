"""What a run is: what its weights have seen, and how; so that none goes on as another."""

from __future__ import annotations

import hashlib
import warnings
from typing import TYPE_CHECKING

from mmengine.logging import print_log
from mmengine.optim import ReduceOnPlateauParamScheduler
from mmengine.runner import EpochBasedTrainLoop

from mmhsi.datasets import Split
from mmhsi.errors import ConfigError, DataWarning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmengine.runner import Runner

PARTS = ("train_dataloader", "model", "optim_wrapper", "param_scheduler", "train_cfg")
"""Parts of a config that say what a run is; the seed is looked at where the config is read."""
NOT_THE_RUN = {
    "train_cfg": ("val_interval", "val_begin", "dynamic_intervals"),
    "train_dataloader": ("num_workers", "persistent_workers", "pin_memory", "prefetch_factor", "data_root"),
}
"""Keys, at any depth, that change nothing of what is trained: how often it is tested, how and where data are read."""
PIXELS = "training pixels (digest)"
LENGTHS = ("train_cfg.max_epochs", "train_cfg.max_iters")
NAMED = 3
"""So many differences are named."""


def describe_run(runner: Runner) -> dict[str, str]:
    """What a run is, as it goes into its checkpoints.

    Args:
        runner: The run, with its training data.

    Returns:
        By dotted key the text of every value of the config that matters, and of the data what no config says: how many
        samples there are, and a digest of the training pixels.
    """
    run: dict[str, str] = {}
    for part in PARTS:
        run.update(_leaves(part, runner.cfg.get(part), NOT_THE_RUN.get(part, ())))
    data = runner.train_dataloader.dataset
    if hasattr(data, "__len__"):
        run["training samples"] = str(len(data))
    split = getattr(data, "split", None)
    if isinstance(split, Split):
        run[PIXELS] = _digest(split)
    return run


def doubt_split(meta: dict, runner: Runner, source: str) -> None:
    """Warn if a checkpoint was trained on other pixels of the scene than the split of its test leaves for training.

    Args:
        meta: Of the checkpoint.
        runner: Of the test.
        source: The checkpoint, for the message.
    """
    run, split = meta.get("run"), getattr(runner.test_dataloader.dataset, "split", None)
    if not isinstance(run, dict) or PIXELS not in run or not isinstance(split, Split) or run[PIXELS] == _digest(split):
        return
    scene = "train_dataloader.dataset.scene"
    trained = {key: value for key, value in run.items() if isinstance(key, str) and key.startswith(scene)}
    if trained == dict(_leaves(scene, runner.cfg.test_dataloader.dataset.get("scene"), ())):
        warnings.warn(
            f"{source}: was trained on other pixels (seed {meta.get('seed')!r:.20}) than this split leaves for "
            "training, and test pixels may be among them; give --seed and the split of the training",
            DataWarning,
            stacklevel=2,
        )


def _digest(split: Split) -> str:
    return hashlib.sha256(split.train.astype("<i8").tobytes()).hexdigest()[:16]


def _leaves(key: str, value: object, left_out: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Keys and texts of all that is no container."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            if name not in left_out:
                yield from _leaves(f"{key}.{name}", inner, left_out)
    elif isinstance(value, list | tuple) and value:
        for index, inner in enumerate(value):
            yield from _leaves(f"{key}.{index}", inner, left_out)
    elif isinstance(value, type):
        yield key, value.__qualname__
    else:
        yield key, repr(list(value) if isinstance(value, tuple) else value)


def check_same_run(meta: dict, now: dict[str, str]) -> bool:
    """Compare a run with that of the checkpoint from which it is to go on.

    A longer or shorter training, and another schedule of the learning rate, are followed from there.

    Args:
        meta: The checkpoint's metadata.
        now: What the run is, of :func:`describe_run`.

    Returns:
        Whether the schedule is another one.

    Raises:
        ConfigError: If anything else differs, or less is wanted than has been done.
    """
    earlier = meta.get("run")
    if not isinstance(earlier, dict):
        print_log("--resume: the checkpoint does not say what its run was, it is taken for this one", "current")
        return False
    differing = [key for key in {**earlier, **now} if earlier.get(key) != now.get(key)]
    followed = [key for key in differing if key in LENGTHS or key.startswith("param_scheduler")]
    refused = [key for key in differing if key not in followed]
    if refused:
        named = "; ".join(
            f"{key} is {now.get(key, 'missing')} instead of {earlier.get(key, 'missing')}" for key in refused[:NAMED]
        )
        more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
        raise ConfigError(
            f"--resume: the checkpoint is of another run: {named}{more}; give what it had, or train anew in another "
            "--work-dir"
        )
    for key, unit in zip(LENGTHS, ("epoch", "iter"), strict=True):
        if now.get(key, "").isdecimal() and int(now[key]) < meta[unit]:
            raise ConfigError(f"--resume: {key} is {now[key]}, the checkpoint's run has done {meta[unit]}")
    if followed:
        print_log(f"--resume: follows the new {', '.join(sorted(followed))} from here on", logger="current")
    return any(key.startswith("param_scheduler") for key in followed)


def follow_schedule(runner: Runner) -> None:
    """Give a resumed run the schedules of its config, as if it had followed them from its beginning.

    mmengine gives it those of the checkpoint, whatever the config says.

    Args:
        runner: The run, resumed.

    Raises:
        ConfigError: If a schedule depends on what was measured.
    """
    strategy = getattr(runner, "strategy", None)
    for group in runner.optim_wrapper.param_groups:
        group.update({key.removeprefix("initial_"): group[key] for key in list(group) if key.startswith("initial_")})
    wanted = runner.cfg.get("param_scheduler") or []
    if strategy is None:
        built = runner.build_param_scheduler(wanted)
    else:
        built = strategy.build_param_scheduler(wanted, runner.optim_wrapper)
    if not isinstance(built, list) or any(isinstance(each, ReduceOnPlateauParamScheduler) for each in built):
        raise ConfigError("--resume: param_scheduler is another one and depends on what was measured; give what it had")
    by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
    length = len(runner.train_dataloader) if by_epoch else 0
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Detected call of `scheduler.step")  # no optimiser's step between
        for step in range(1, runner.iter + 1):
            _step(built, by_epoch=False)
            if by_epoch and step % length == 0:
                _step(built, by_epoch=True)
    runner.param_schedulers = built
    if strategy is not None:
        strategy.param_schedulers = built


def _step(schedules: list, by_epoch: bool) -> None:
    for schedule in schedules:
        if schedule.by_epoch == by_epoch:
            schedule.step()
