"""Going on with a run from its checkpoint."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.logging import print_log

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.models.weights import read_checkpoint

if TYPE_CHECKING:
    from mmengine.config import Config


def newest_checkpoint(work_dir: str | Path) -> tuple[Path, dict] | None:
    """Find the newest checkpoint of a run that can be read: ``last_checkpoint``, then that of the highest number.

    Args:
        work_dir: The run's folder.

    Returns:
        Its path and metadata, or None if the run has written none yet. Damaged ones are named in the log and passed
        over.

    Raises:
        FileFormatError: If there are checkpoints and all are damaged.
    """
    folder = Path(work_dir)
    found = [path for pattern in ("epoch_*.pth", "iter_*.pth") for path in folder.glob(pattern)]
    found.sort(key=_number, reverse=True)
    named = folder / "last_checkpoint"
    if named.is_file():  # what mmengine calls the last one comes first; it may be empty if the run was killed just then
        last = Path(named.read_bytes().decode(errors="replace").strip())
        own = folder / last.name  # where the folder is a copy of another run's, that is not this run's any more
        last = own if os.path.isfile(own) else last  # noqa: PTH113, which raises where a name is too long to be one
        if os.path.isfile(last):  # noqa: PTH113
            found = [last, *(path for path in found if path.resolve() != last.resolve())]
    reason = ""
    for path in found:
        try:
            return path, read_checkpoint(path).get("meta", {})
        except FileFormatError as error:
            reason = reason or str(error)
            print_log(f"{error}; trying the one before", logger="current")
    if found:
        raise FileFormatError(f"{folder}: none of its {len(found)} checkpoints can be read; the newest: {reason}")
    return None


def _number(path: Path) -> int:
    number = path.stem.rpartition("_")[2]
    return int(number) if number.isdecimal() else -1


def prepare_resume(cfg: Config, path: str = "auto") -> None:
    """Let the Runner go on from a checkpoint with the seed that its run had.

    Args:
        cfg: Config of the run, with its ``work_dir``; changed in place.
        path: Checkpoint, or ``'auto'``: the newest good one of the work dir; without any the run starts anew.

    Raises:
        FileFormatError: If no checkpoint can be read.
        ConfigError: If the run had another seed, with which other pixels would be training pixels.
    """
    if path == "auto":
        newest = newest_checkpoint(cfg.work_dir)
        if newest is None:
            print(f"{cfg.work_dir}: no checkpoint yet, the run starts from its beginning")
            return
        checkpoint, meta = newest
    else:
        checkpoint, meta = Path(path), read_checkpoint(path).get("meta", {})
    cfg.setdefault("randomness", {})
    seed, wanted = meta.get("seed"), cfg.randomness.get("seed")
    if seed is not None and wanted not in (None, seed):
        raise ConfigError(
            f"--resume: {checkpoint} is of a run with seed {seed}, this one has {wanted}; give --seed {seed}"
        )
    cfg.randomness.seed = seed if wanted is None else wanted
    cfg.resume, cfg.load_from = True, str(checkpoint)
