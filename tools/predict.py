"""Classify a whole scene: a georeferenced map, and a picture of it."""

import argparse
from pathlib import Path

from mmhsi.utils.cli import run


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file of the training")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("scene", help="GeoTIFF, ENVI, .mat or .npy")
    parser.add_argument("--out", required=True, help="GeoTIFF for the map")
    parser.add_argument("--png", help="picture of false colour and map, with a legend")
    parser.add_argument("--labels", help="label map of the scene, shown in the picture beside the result")
    parser.add_argument("--key", help="variable of a .mat file")
    parser.add_argument("--labels-key", help="variable of a .mat label map")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--batch-size", type=int, help="windows at a time (default: 512 pixels or 16 tiles)")
    parser.add_argument("--window", type=int, help="side of a segmentor's windows (default: as in training)")
    parser.add_argument("--stride", type=int, help="step of a segmentor's windows (default: half a window)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser.parse_args()


def main() -> None:
    """Predict and write."""
    args = parse_args()
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mmhsi.inference import SceneInferencer
    from mmhsi.io import open_cube
    from mmhsi.visualization import false_colour, rgb_band_indices, save_map_figure

    inferencer = SceneInferencer(
        args.config, args.checkpoint, args.device, args.batch_size, window=args.window, stride=args.stride
    )
    columns = (TextColumn("classifying rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task("", total=None)
        classes = inferencer.write_map(
            args.scene,
            args.out,
            key=args.key,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    print(f"map: {args.out}")
    if args.png is None:
        return
    with open_cube(args.scene, key=args.key) as reader:
        info = reader.info
        rgb = rgb_band_indices(
            info.shape[2], info.wavelengths, bands=inferencer.meta.get("rgb_bands"), good_bands=info.good_bands
        )
        picture = reader.read(bands=rgb)
    truth = None if args.labels is None else inferencer.read_truth(args.labels, classes.shape, args.labels_key)
    # A picture needs no more than some 1500 pixels a side.
    step = max(1, max(classes.shape) // 1500)
    save_map_figure(
        args.png,
        false_colour=false_colour(picture.data[::step, ::step], bands=(0, 1, 2), valid=picture.valid()[::step, ::step]),
        class_map=classes[::step, ::step],
        class_names=inferencer.classes,
        palette=inferencer.palette,
        ground_truth=None if truth is None else truth[::step, ::step],
        title=Path(args.scene).name,
    )
    print(f"picture: {args.png}")


if __name__ == "__main__":
    run(main)
