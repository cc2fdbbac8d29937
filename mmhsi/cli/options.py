"""What tools/train.py and tools/test.py share: their options, and the config that these make."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

from mmhsi.engine.configs import DATASET, chosen_dataset, land_cover_metric, load_config, run_name
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    import argparse


def config_argument(parser: argparse.ArgumentParser, help: str = "config file", optional: bool = False) -> None:
    """Add a config, which :func:`read_config` reads, and ``--dataset``.

    Args:
        parser: Changed in place.
        help: What the config is.
        optional: Whether it may be left out.
    """
    parser.add_argument("config", nargs="?" if optional else None, help=help)
    parser.add_argument("--dataset", metavar="NAME", help="data of a config that is written for several")


def read_config(args: argparse.Namespace) -> Config:
    """Read ``args.config`` with the data that ``args.dataset`` names.

    Args:
        args: Parsed, see :func:`config_argument`.

    Raises:
        ConfigError: If there are no such data, or the config does not let one choose.
    """
    if args.dataset:
        os.environ[DATASET] = args.dataset
    cfg = load_config(args.config)
    if args.dataset and chosen_dataset(cfg) is None:
        raise ConfigError(f"--dataset {args.dataset}: {args.config} has data of its own, it is not written for several")
    return cfg


def runner_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that mmseg's and mmpretrain's users know, and ``--seed``.

    Args:
        parser: Changed in place.
    """
    parser.add_argument("--work-dir", help="where everything is written (default: work_dirs/CONFIG or CONFIG_DATASET)")
    parser.add_argument("--seed", type=int, help="seed of the run and of the splits of its data")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)


def runner_config(args: argparse.Namespace) -> Config:
    """Read ``args.config`` and apply the options of :func:`runner_options`.

    Args:
        args: Parsed options.
    """
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    cfg = read_config(args)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / run_name(cfg))
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
