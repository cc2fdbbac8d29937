"""Parameters, pruned parameters, FLOPs and memory for the backward pass of a config's model, or of all presets."""

from mmhsi.cli.command import run, tool_parser, whole
from mmhsi.cli.options import cfg_options, config_argument, read_config


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__, "mmhsi get_flops configs/my_scene/cnn.py --bands 64 --classes 8")
    config_argument(parser, "config file; without one, a Markdown table of all presets", optional=True)
    parser.add_argument("--shape", type=int, nargs="+", help="side, or height and width, of the input in pixels")
    parser.add_argument("--bands", type=whole(1), help="bands, where the config's training data are not at hand")
    parser.add_argument("--second-bands", type=whole(1), help="bands of a second source, likewise")
    parser.add_argument("--classes", type=whole(0), default=0, help="classes, likewise")
    cfg_options(parser)
    args = parser.parse_args()
    import torch
    from mmengine.registry import DefaultScope

    from mmhsi.arguments import size_pair
    from mmhsi.config_files import read_window
    from mmhsi.engine import resolve_from_data, resolve_from_spec
    from mmhsi.engine.config_check import check_model
    from mmhsi.errors import ConfigError
    from mmhsi.models.complexity import measure_complexity
    from mmhsi.models.presets import even_centres, preset_table
    from mmhsi.registry import MODELS
    from mmhsi.spec import InputSpec

    if args.config is None:
        print(preset_table())
        return
    cfg = read_config(args)
    check_model(cfg)
    cfg.model.backbone.pop("init_cfg", None)
    size = (args.shape[0], args.shape[-1]) if args.shape else None
    spec: InputSpec | None
    if args.bands:
        window = (cfg.get("train_dataloader") or {}).get("dataset", {}).get("window")
        spec = InputSpec(
            classes=tuple(f"class {number + 1}" for number in range(args.classes)),
            bands=tuple(range(args.bands)),
            file_bands=args.bands,
            num_bands=args.bands,
            model_wavelengths=even_centres(args.bands),
            second_bands=args.second_bands,
            window=read_window(cfg) or (size_pair("train_dataloader.dataset", window, "window") if window else size),
        )
        resolve_from_spec(cfg, spec, "the command line")
    else:
        dataset = resolve_from_data(cfg)
        spec = InputSpec.of_metainfo(getattr(dataset, "metainfo", None))
        if spec is not None and spec.sensors:  # the costliest
            widest = max(spec.sensors, key=lambda sensor: sensor["num_bands"])
            cfg.model.backbone.wavelengths = widest["wavelengths"]
    size = size or read_window(cfg) or (spec.window if spec else None)
    if size is None:
        raise ConfigError("the data do not say how large the training windows are; give --shape")
    with DefaultScope.overwrite_default_scope("mmhsi"):
        model = MODELS.build(cfg.model).eval()
    bands = cfg.model.backbone.get("in_channels") or model.backbone.in_channels
    x = torch.randn(1, bands, *size)
    print(f"input {x.shape[1]} x {size[0]} x {size[1]}")
    for name, module, forward in (
        ("backbone", model.backbone, lambda: model.backbone(x)),
        ("model", model, lambda: model(x, mode="tensor")),
    ):
        cost = measure_complexity(module, forward)
        print(
            f"{name}: {cost.parameters:,} parameters, {cost.pruned:,} of them pruned; {cost.flops / 1e9:.3f} GFLOPs; "
            f"{cost.activations / 2**20:.1f} MiB kept for the backward pass"
        )


if __name__ == "__main__":
    run(main)
