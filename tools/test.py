"""Evaluate a checkpoint."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction

from mmhsi.utils.cli import run


def parse_args() -> argparse.Namespace:
    """Options that mmseg's and mmpretrain's users know, and --seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--work-dir", help="where logs go (default: work_dirs/NAME_OF_CONFIG)")
    parser.add_argument("--out", help="JSON file for metrics of every class and the confusion matrix")
    parser.add_argument("--seed", type=int, help="seed of every split in the config, as in training")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def main() -> None:
    """Run the evaluation."""
    args = parse_args()
    from mmengine.runner import Runner

    from mmhsi.engine import prepare_distributed, set_seed
    from mmhsi.errors import ConfigError
    from mmhsi.models import load_weights

    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / Path(args.config).stem)
    if cfg.get("test_dataloader") is None:
        raise ConfigError(f"{args.config}: has no test_dataloader; is it a pretraining config?")
    if args.seed is not None:
        set_seed(cfg, args.seed)
    if args.out:
        evaluators = cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
        reporting = [evaluator for evaluator in evaluators if evaluator["type"] == "LandCoverMetric"]
        if not reporting:
            raise ConfigError(f"--out: {args.config} has no LandCoverMetric in test_evaluator, which writes the report")
        reporting[0]["out_file"] = args.out
    prepare_distributed(cfg)
    runner = Runner.from_cfg(cfg)
    load_weights(runner.model, args.checkpoint)
    runner.test()


if __name__ == "__main__":
    run(main)
