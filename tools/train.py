"""Train a model from a config file."""

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.options import config_argument, report_to, runner_config, runner_options


def main() -> None:
    """Run the training."""
    parser = tool_parser(__doc__)
    config_argument(parser)
    parser.add_argument(
        "--resume",
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
    parser.add_argument("--report", help="test the last weights too, and write metrics of every class to a JSON file")
    runner_options(parser)
    args = parser.parse_args()

    from mmhsi.cli.lock import hold_work_dir
    from mmhsi.engine import build_runner, prepare_distributed, prepare_resume, scale_learning_rate, use_amp

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
        runner = build_runner(cfg)
        runner.train()
        if args.report:
            runner.test()


if __name__ == "__main__":
    run(main)
