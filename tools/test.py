"""Evaluate a checkpoint."""

from contextlib import nullcontext

from mmhsi.cli.command import WrittenFile, is_first, run, tool_parser
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, report_to, runner_config, runner_options


def main() -> None:
    """Run the evaluation."""
    parser = tool_parser(
        __doc__,
        "mmhsi test configs/my_scene/cnn.py runs/ft/epoch_100.pth --out report.json",
    )
    config_argument(parser)
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint file")
    parser.add_argument("--out", type=WrittenFile, help="JSON file for metrics of every class and the confusion matrix")
    runner_options(parser)
    args = parser.parse_args()

    from mmhsi.cli.run_lines import run_lines
    from mmhsi.cli.work_dir import hold_work_dir
    from mmhsi.engine import CheckedRunner, check_classes, prepare_distributed, resolve_from_data, resolve_from_spec
    from mmhsi.engine.config_check import check_model
    from mmhsi.engine.fitted_transforms import with_fitted_channels
    from mmhsi.engine.quiet_logging import log_to_file_alone
    from mmhsi.engine.run_identity import doubt_split
    from mmhsi.engine.unwrap import unwrap_model
    from mmhsi.engine.windows import compare_windows
    from mmhsi.errors import ConfigError
    from mmhsi.models import load_weights
    from mmhsi.models.weights import checkpoint_spec, read_checkpoint

    cfg = runner_config(args)
    if cfg.get("test_dataloader") is None:
        raise ConfigError(f"{args.config}: has no test_dataloader; is it a pretraining config?")
    check_model(cfg)
    cfg.resume = False  # as a resumed training's config in its work dir has it
    if args.out:
        report_to(cfg, args.out)
    if (cfg.model.get("backbone") or {}).get("init_cfg"):
        cfg.model.backbone.init_cfg = None  # the checkpoint holds every weight
    with hold_work_dir(cfg.work_dir, cfg.launcher):
        checkpoint, source = read_checkpoint(args.checkpoint), f"checkpoint {args.checkpoint}"
        spec = checkpoint_spec(checkpoint, args.checkpoint) if checkpoint["meta"].get("dataset_meta") else None
        if spec is not None:
            resolve_from_spec(cfg, spec, source)
            cfg.test_dataloader.dataset = with_fitted_channels(
                cfg.test_dataloader.dataset, spec, "test_dataloader.dataset"
            )
        elif cfg.model.get("data_preprocessor", {}).get("num_bands") is None:
            resolve_from_data(cfg)  # weights from elsewhere do not say
        prepare_distributed(cfg)
        with nullcontext() if args.verbose else log_to_file_alone():
            runner = CheckedRunner.from_cfg(cfg)
        if spec is not None:
            compare_windows(cfg.test_dataloader.dataset, "test_dataloader.dataset", unwrap_model(runner), spec.window)
            check_classes(runner.test_dataloader.dataset, spec, source)
        doubt_split(checkpoint["meta"], runner, source)
        load_weights(unwrap_model(runner), args.checkpoint)
        with run_lines(runner):
            runner.test()
    if args.out and is_first():
        print(f"report: {args.out}")


if __name__ == "__main__":
    run(main)
