"""Count the labelled training pixels of every class and print weights for a loss's class_weight."""

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Count and print."""
    parser = tool_parser(__doc__, "mmhsi class_weights configs/my_scene/cnn.py --method sqrt")
    config_argument(parser, "config with a labelled train_dataloader")
    parser.add_argument("--method", default="inverse", help="inverse, sqrt, median or effective (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split")
    args = parser.parse_args()
    from mmengine.registry import DefaultScope

    from mmhsi.config_files import training_dataset
    from mmhsi.datasets.class_weights import class_weights
    from mmhsi.engine import set_seed
    from mmhsi.registry import DATASETS

    cfg = read_config(args)
    set_seed(cfg, args.seed)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        dataset = DATASETS.build(training_dataset(cfg))
    counts = dataset.label_counts()
    weights = class_weights(counts, args.method)
    for name, count, weight in zip(dataset.spec.classes, counts, weights, strict=True):
        print(f"{name:<32}{count:>10}  {weight:.4f}")
    print(f"class_weight=[{', '.join(f'{weight:.4f}' for weight in weights)}]")


if __name__ == "__main__":
    run(main)
