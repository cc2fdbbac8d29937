"""Show where a config's training and test pixels lie, how many each class has, and how many test pixels leak."""

from mmhsi.cli.command import WrittenPicture, run, tool_parser
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Build the split, draw and count it."""
    parser = tool_parser(__doc__, "mmhsi show_split configs/my_scene/cnn.py --out split.png --seed 0")
    config_argument(parser, "config file whose train_dataloader.dataset has a split")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG for the picture")
    parser.add_argument("--seed", type=int, help="seed of the split, as in training")
    args = parser.parse_args()
    import numpy as np
    from mmengine.registry import DefaultScope

    from mmhsi.config_files import training_dataset
    from mmhsi.datasets.replay import Replay
    from mmhsi.datasets.splits import leakage, on_both_sides
    from mmhsi.engine import set_seed
    from mmhsi.errors import ConfigError
    from mmhsi.registry import DATASETS
    from mmhsi.visualization import class_palette
    from mmhsi.visualization.split_picture import save_split_figure

    cfg = read_config(args)
    if args.seed is not None:
        set_seed(cfg, args.seed)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        dataset = DATASETS.build(training_dataset(cfg))
    labels, split = getattr(dataset, "labels", None), getattr(dataset, "split", None)
    if labels is None or split is None:
        raise ConfigError(f"{args.config}: train_dataloader.dataset has no split of labelled pixels to show")
    spec = dataset.spec
    classes, window = spec.classes, spec.window
    save_split_figure(args.out, labels, split, classes, spec.palette or class_palette(classes), spec.scene or "")

    rows: list[tuple[str, ...]] = [("class", "train", "test", "unused")]
    train, test, labelled = (
        np.bincount(values, minlength=256)[: len(classes)]
        for values in (labels.ravel()[split.train], labels.ravel()[split.test], labels.ravel())
    )
    for name, *counts in zip(classes, train, test, labelled - train - test, strict=True):
        rows.append((name, *map(str, counts)))
    rows.append(("all", *(str(counts.sum()) for counts in (train, test, labelled - train - test))))
    width = max(len(row[0]) for row in rows)
    for name, *cells in rows:
        print(f"{name:<{width}}" + "".join(f"{cell:>9}" for cell in cells))
    margin = Replay(spec.transforms, args.config).margin
    seen = (window[0] + 2 * margin, window[1] + 2 * margin)
    share = leakage(split, labels.shape, seen)
    by = f", by the channels of {window[0]} x {window[1]} pixels" if margin else ""
    print(f"split: {split.protocol}")
    print(f"leakage: {100 * share:.1f} % of the test pixels lie in a training window of {seen[0]} x {seen[1]}{by}")
    polygons = getattr(dataset, "polygons", None)
    if polygons is not None:
        sides = [np.setdiff1d(polygons.ravel()[pixels], 0).size for pixels in (split.train, split.test)]
        both = on_both_sides(split, polygons).size
        print(f"polygons: {sides[0]} have training pixels, {sides[1]} test pixels, {both} both")
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
