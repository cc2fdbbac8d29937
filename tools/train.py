"""Train a model from a config file."""

import argparse
import os
from pathlib import Path

from mmengine.config import Config, DictAction

from mmhsi.utils.cli import run


def parse_args() -> argparse.Namespace:
    """Options that mmseg's and mmpretrain's users know, and --seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("--work-dir", help="where logs and checkpoints go (default: work_dirs/NAME_OF_CONFIG)")
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        help="go on from a checkpoint; without a path from the latest one in the work dir",
    )
    parser.add_argument("--amp", action="store_true", help="mixed precision (fp16 on a GPU, bfloat16 on a CPU)")
    parser.add_argument("--no-validate", action="store_true", help="do not evaluate during training")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale the learning rate with the batch size")
    parser.add_argument("--seed", type=int, help="seed of the run and of every split in the config")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, default=0)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    args = parser.parse_args()
    os.environ.setdefault("LOCAL_RANK", str(args.local_rank))
    return args


def main() -> None:
    """Run the training."""
    args = parse_args()
    from mmengine.runner import Runner

    from mmhsi.engine import prepare_distributed, set_seed, use_amp

    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.launcher = args.launcher
    cfg.work_dir = args.work_dir or cfg.get("work_dir") or str(Path("work_dirs") / Path(args.config).stem)
    if args.seed is not None:
        set_seed(cfg, args.seed)
    if args.amp:
        use_amp(cfg)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        cfg.auto_scale_lr.enable = True
    if args.resume:
        cfg.resume = True
        cfg.load_from = None if args.resume == "auto" else args.resume
    prepare_distributed(cfg)
    Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    run(main)
