"""Parameters, pruned parameters, FLOPs and memory for the backward pass of a config's model, or of all presets."""

from mmengine.config import DictAction

from mmhsi.cli.command import run, tool_parser
from mmhsi.engine.configs import load_config, training_window


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__)
    parser.add_argument("config", nargs="?", help="config file; without one, a Markdown table of all presets")
    parser.add_argument("--shape", type=int, nargs="+", help="side, or height and width, of the input in pixels")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    args = parser.parse_args()
    import torch
    from mmengine.registry import DefaultScope

    from mmhsi.errors import ConfigError
    from mmhsi.models.complexity import measure_complexity
    from mmhsi.models.presets import preset_table
    from mmhsi.registry import MODELS

    if args.config is None:
        print(preset_table())
        return
    cfg = load_config(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.model.backbone.pop("init_cfg", None)
    size = args.shape or training_window(cfg)
    if size is None:
        raise ConfigError("the config does not say how large the training windows are; give --shape")
    height, width = size[0], size[-1]
    with DefaultScope.overwrite_default_scope("mmhsi"):
        model = MODELS.build(cfg.model).eval()
    x = torch.randn(1, cfg.model.backbone.in_channels, height, width)
    print(f"input {x.shape[1]} x {height} x {width}")
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
