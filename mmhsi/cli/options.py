"""What tools/train.py and tools/test.py share: their options, and the config that these make."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction

from mmhsi.engine.configs import land_cover_metric, load_config
from mmhsi.errors import ConfigError


def runner_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that mmseg's and mmpretrain's users know, and ``--seed``.

    Args:
        parser: Changed in place.
    """
    parser.add_argument("--work-dir", help="where everything is written (default: work_dirs/NAME_OF_CONFIG)")
    parser.add_argument("--seed", type=int, help="seed of the run and of every split in the config")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)


def runner_config(args: argparse.Namespace) -> Config:
    """Read ``args.config`` and apply the options of :func:`runner_options`.

    Args:
        args: Parsed options.
    """
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = load_config(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / Path(args.config).stem)
    if args.seed is not None:
        from mmhsi.engine import set_seed  # not at the top: --help should not wait for torch

        set_seed(cfg, args.seed)
    return cfg


def report_to(cfg: Config, path: str) -> None:
    """Have the config's test write its report to a JSON file: metrics of every class and the confusion matrix.

    Args:
        cfg: Changed in place.
        path: JSON file.

    Raises:
        ConfigError: If the config has no test data, or no ``LandCoverMetric``, which writes it.
    """
    metric = land_cover_metric(cfg)
    if metric is None:
        raise ConfigError(f"report {path}: {cfg.filename} has no LandCoverMetric in test_evaluator, which writes it")
    metric["out_file"] = path
