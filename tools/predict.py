"""Classify a whole scene: a georeferenced map, its probabilities and uncertainty, and a picture."""

import argparse
import sys
import time
import warnings

from mmhsi.cli.command import AXES_HELP, run, tool_parser
from mmhsi.cli.options import config_argument, read_config

IDS_HELP = "numbers in the map: ids of the training's labels, where it had some, or 0 to K-1 (default: original)"


def batch_size(text: str) -> int | str:
    """``auto`` or a number."""
    return text if text == "auto" else int(text)


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(__doc__)
    config_argument(parser, "config file of the training; none for a published checkpoint", optional=True)
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("scene", help="GeoTIFF, ENVI, .mat, HDF5, .npy, or a sensor's product")
    parser.add_argument("--out", required=True, help="GeoTIFF for the map")
    parser.add_argument("--probabilities", help="GeoTIFF for the probability of every class")
    parser.add_argument("--uncertainty", help="GeoTIFF for the entropy of the probabilities, 0 to 1")
    parser.add_argument("--vector", help="the map's areas as polygons: .gpkg, .geojson, .fgb or .shp")
    parser.add_argument("--smallest", type=int, default=1, help="pixels of the smallest polygon (default: 1, all)")
    parser.add_argument("--ids", choices=["original", "index"], default="original", help=IDS_HELP)
    parser.add_argument("--png", help="picture of false colour and map, with a legend")
    parser.add_argument("--labels", help="labels, a map or a vector file, shown in the picture beside the result")
    parser.add_argument("--key", help="variable of a .mat or HDF5 file")
    parser.add_argument("--axes", help=AXES_HELP)
    parser.add_argument(
        "--mask",
        nargs="*",
        metavar="LAYER",
        help="quality layers of a product that make a pixel invalid: cloud, shadow, haze, cirrus, snow, saturation, or "
        "nothing for none (default: as in training)",
    )
    parser.add_argument("--raw-geometry", action="store_true", help="read a product as the sensor saw it, off the map")
    parser.add_argument("--dark", help="dark reference of a lab camera's raw file (default: the one beside it)")
    parser.add_argument("--white", help="its white reference, or none for raw values")
    parser.add_argument("--labels-key", help="variable of a .mat or HDF5 label map")
    parser.add_argument("--labels-axes", help="its axes, as --axes")
    parser.add_argument("--label-field", default="class", help="field of the classes of a vector file (default: class)")
    parser.add_argument("--second", help="second source on the same ground, for models that take one")
    parser.add_argument("--second-key", help="its variable")
    parser.add_argument("--scale", type=float, default=1.0, help="factor to the units of the training (default: 1)")
    parser.add_argument("--match-wavelengths", action="store_true", help="resample the bands to those of the training")
    parser.add_argument("--resume", action="store_true", help="go on from the finished rows of an interrupted run")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--amp", action="store_true", help="run the model in half precision")
    parser.add_argument(
        "--batch-size", type=batch_size, help="windows at a time, or auto (default: 512 pixels, 16 tiles)"
    )
    parser.add_argument("--window", type=int, help="side of a segmentor's windows (default: as in training)")
    parser.add_argument("--stride", type=int, help="step of a segmentor's windows (default: half a window)")
    return parser.parse_intermixed_args()  # options may stand between the two or three positional ones


def image_options(args: argparse.Namespace) -> dict[str, object]:
    """Those of :class:`mmhsi.io.CubeOptions` that are given."""
    given = dict(mask=args.mask, dark=args.dark, white=args.white, ortho=False if args.raw_geometry else None)
    return {name: value for name, value in given.items() if value is not None}


def main() -> None:
    """Predict and write."""
    args = parse_args()
    import rasterio
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mmhsi.errors import one_line
    from mmhsi.inference import SceneInferencer, SceneWarning, save_quicklook
    from mmhsi.inference.checks import check_outputs
    from mmhsi.io import label_map_info, read_class_map
    from mmhsi.io.vector_writer import check_vector_name, write_areas
    from mmhsi.io.vectors import is_vector

    warnings.simplefilter("always", SceneWarning)
    warnings.showwarning = lambda message, *_: print(f"warning: {one_line(str(message))}", file=sys.stderr)
    # Before the model is loaded, so that a mistyped folder costs no time.
    inputs = (args.config, args.checkpoint, args.scene, args.labels, args.second)
    check_outputs((args.out, args.probabilities, args.uncertainty, args.png, args.vector), inputs)
    if args.labels and not is_vector(args.labels):
        label_map_info(args.labels, args.labels_key, args.labels_axes)
    if args.vector:
        check_vector_name(args.vector)
    config = read_config(args) if args.config else None
    inferencer = SceneInferencer(
        config, args.checkpoint, args.device, args.batch_size, args.window, args.stride, args.amp
    )
    print(f"classifying {inferencer.way}")
    columns = ("classifying rows", BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), "left")
    with Progress(*columns, TimeRemainingColumn(), transient=True) as bar:
        task = bar.add_task("", total=None, rate="")
        begin: dict[str, float] = {}

        def progress(done: int, total: int) -> None:
            begin.setdefault("rows", done)  # not 0 where a run is resumed
            seconds = time.monotonic() - begin.setdefault("time", time.monotonic())
            rate = f"{(done - begin['rows']) / seconds:.1f} rows/s" if done > begin["rows"] else ""
            bar.update(task, completed=done, total=total, rate=rate)

        inferencer.write_map(
            args.scene,
            args.out,
            key=args.key,
            axes=args.axes,
            image_options=image_options(args),
            second=args.second,
            second_key=args.second_key,
            probabilities=args.probabilities,
            uncertainty=args.uncertainty,
            scale=args.scale,
            match_wavelengths=args.match_wavelengths,
            resume=args.resume,
            ids=args.ids,
            progress=progress,
        )
    for name in ("out", "probabilities", "uncertainty"):
        if getattr(args, name):
            print(f"{'map' if name == 'out' else name}: {getattr(args, name)}")
    if args.vector:
        found = read_class_map(args.out)
        with rasterio.open(args.out) as written:
            place = dict(crs=written.crs, transform=written.transform if written.crs else None)
        count = write_areas(args.vector, found.classes, found.names, found.ids, smallest=args.smallest, **place)
        print(f"polygons: {count} in {args.vector}, along the pixels' edges, none of fewer than {args.smallest} pixels")
    if args.png:
        save_quicklook(
            args.png,
            args.scene,
            args.out,
            inferencer.spec,
            inferencer.palette,
            args.key,
            args.labels,
            args.labels_key,
            axes=args.axes,
            labels_axes=args.labels_axes,
            label_field=args.label_field,
            options=inferencer.cube_options(image_options(args)),
        )
        print(f"picture: {args.png}")


if __name__ == "__main__":
    run(main)
