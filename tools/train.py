"""Train a model from a config file."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

from mmhsi.cli.command import WrittenFile, is_first, run, tool_parser
from mmhsi.cli.inputs import ReadNamedModel
from mmhsi.cli.options import config_argument, report_to, runner_config, runner_options
from mmhsi.cli.termination import AGAIN, TERMINATION, Terminated

if TYPE_CHECKING:
    from mmengine.runner import FlexibleRunner, Runner


def train(runner: Runner | FlexibleRunner, test: bool) -> None:
    """Train, and test the last weights; SIGTERM ends it at the next point from which it can go on."""
    from mmhsi.cli.run_lines import run_lines
    from mmhsi.engine.hooks.stop_hook import RunStopped, StopHook

    with run_lines(runner), TERMINATION.waiting() as asked:
        runner.register_hook(StopHook(asked))
        try:
            runner.train()
            if test:
                keep_averages(runner)
                runner.test()
        except RunStopped as stopped:
            sys.stderr.write(f"ended by SIGTERM: {stopped}; --resume goes on from there\n")
            sys.exit(AGAIN)
        except RuntimeError as error:
            if not asked() or "DataLoader worker" not in str(error):
                raise
            raise Terminated from error  # the signal got them first


def keep_averages(runner: Runner | FlexibleRunner) -> None:
    """Give the model the weights that an EMAHook has averaged, as those in the checkpoint are.

    mmengine's test begins like a run, with averages that are made anew of the model's weights.
    """
    from mmengine.hooks import EMAHook

    for hook in runner.hooks:
        if isinstance(hook, EMAHook):
            hook.before_test_epoch(runner)


def main() -> None:
    """Run the training."""
    parser = tool_parser(__doc__, "mmhsi train mmhsi::mae/mae_hsi-vit-tiny-p3_demo.py --work-dir runs/mae --seed 0")
    config_argument(parser)
    parser.add_argument(
        "--resume",
        type=ReadNamedModel,
        nargs="?",
        const="auto",
        help="go on from a checkpoint; without a path from the latest one in the work dir",
    )
    parser.add_argument(
        "--amp",
        nargs="?",
        const="auto",
        choices=["auto", "bf16", "fp16"],
        help="mixed precision; auto: bfloat16, but fp16 on a GPU that lacks it",
    )
    parser.add_argument("--no-validate", action="store_true", help="do not evaluate during training")
    parser.add_argument("--auto-scale-lr", action="store_true", help="scale the learning rate with the batch size")
    parser.add_argument(
        "--report", type=WrittenFile, help="test the last weights too, and write metrics of every class to a JSON file"
    )
    runner_options(parser)
    args = parser.parse_args()

    from mmhsi.cli.work_dir import hold_work_dir
    from mmhsi.engine import build_runner, prepare_distributed, prepare_resume, scale_learning_rate, use_amp
    from mmhsi.engine.quiet_logging import log_to_file_alone

    cfg = runner_config(args)
    if args.amp:
        use_amp(cfg, None if args.amp == "auto" else args.amp)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        scale_learning_rate(cfg)
    if args.report:
        report_to(cfg, args.report)
    with hold_work_dir(cfg.work_dir, cfg.launcher):
        if args.resume:
            prepare_resume(cfg, args.resume)
        prepare_distributed(cfg)
        with nullcontext() if args.verbose else log_to_file_alone():
            runner = build_runner(cfg)
        train(runner, test=bool(args.report))
    if args.report and is_first():
        print(f"report: {args.report}")


if __name__ == "__main__":
    run(main)
