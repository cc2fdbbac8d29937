"""Parameters, pruned parameters, FLOPs and memory for the backward pass of a config's model, or of all presets."""

import argparse

from mmengine.config import Config, DictAction

from mmhsi.utils.cli import run
from mmhsi.utils.configs import load_config


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="?", help="config file; without one, a Markdown table of all presets")
    parser.add_argument("--shape", type=int, nargs="+", help="side, or height and width, of the input in pixels")
    parser.add_argument("--cfg-options", nargs="+", action=DictAction, help="override config keys: a.b=1 c.d='[1,2]'")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args()


def input_size(cfg: Config, shape: list[int] | None) -> tuple[int, int]:
    """The input's size: asked for, or that of the training windows.

    Raises:
        ConfigError: If the config does not say.
    """
    from mmhsi.errors import ConfigError

    dataset = cfg.get("train_dataloader", {}).get("dataset", {})
    reading = [step["size"] for step in dataset.get("pipeline", []) if step["type"] == "RandomReadWindow"]
    size = shape or dataset.get("window") or (reading or [None])[0] or cfg.model.backbone.get("img_size")
    if size is None:
        raise ConfigError("the config does not say how large the training windows are; give --shape")
    sides = [size] if isinstance(size, int) else list(size)
    return sides[0], sides[-1]


def main() -> None:
    """Measure and print."""
    args = parse_args()
    import torch
    from mmengine.registry import DefaultScope

    from mmhsi.models.presets import preset_table
    from mmhsi.registry import MODELS
    from mmhsi.utils.complexity import measure_complexity

    if args.config is None:
        print(preset_table())
        return
    cfg = load_config(args.config)
    if args.cfg_options:
        cfg.merge_from_dict(args.cfg_options)
    cfg.model.backbone.pop("init_cfg", None)
    height, width = input_size(cfg, args.shape)
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
