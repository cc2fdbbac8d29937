"""Predict whole scenes: georeferenced maps of classes or values; of one scene also its uncertainty and a picture."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmhsi.cli.command import WrittenGeoTIFF, WrittenPicture, WrittenVector, run, tool_parser, whole
from mmhsi.cli.cubes import check_label_options, cube_arguments, image_options
from mmhsi.cli.freed_memory import lasting_objects
from mmhsi.cli.inputs import ReadFile, ReadLabels, check_there, reads, split_files
from mmhsi.cli.options import dataset_argument, read_config, read_unchecked
from mmhsi.errors import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mmhsi.cli.console import Step
    from mmhsi.inference import SceneInferencer
    from mmhsi.inference.many_scenes import Record

ONE_SCENE = ("probabilities", "uncertainty", "vector", "png", "labels", "second")
"""Options that name a file of one scene."""
IDS_HELP = "numbers in the map: ids of the training's labels, where it had some, or 0 to K-1 (default: original)"


def batch_size(text: str) -> int | str:
    """``auto`` or a number."""
    return text if text == "auto" else int(text)


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(
        __doc__, "mmhsi predict model.pth scene.tif --out map.tif --png map.png --uncertainty doubt.tif"
    )
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[CONFIG] CHECKPOINT SCENE",
        help="config file of the training, none for a published checkpoint; checkpoint file; scenes: GeoTIFF, ENVI, "
        ".mat, HDF5, .npy, or a sensor's product",
    )
    dataset_argument(parser)
    out = parser.add_mutually_exclusive_group(required=True)
    out.add_argument("--out", type=WrittenGeoTIFF, help="GeoTIFF for the map of one scene")
    out.add_argument("--out-dir", help="folder for the maps of all scenes, with a summary; finished ones are skipped")
    parser.add_argument("--list", type=reads("a text file of scenes"), help="text file of further scenes, one a line")
    parser.add_argument(
        "--stac",
        type=reads("a STAC item or collection"),
        help="STAC item or collection of items whose files are further scenes",
    )
    parser.add_argument(
        "--launcher", choices=["none", "pytorch", "slurm"], default="none", help="who starts the processes that share"
    )
    parser.add_argument(
        "--share",
        choices=["scenes", "rows"],
        default="scenes",
        help="what processes or workers share: whole scenes, or blocks of the rows of each (default: scenes)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="Dask scheduler whose workers map the scenes of --out-dir, or share their rows: its address, or its file",
    )
    parser.add_argument(
        "--mosaic",
        choices=["vrt", "cog"],
        default="vrt",
        help="all maps of classes of --out-dir as a virtual raster, or also as one optimised GeoTIFF (default: vrt)",
    )
    parser.add_argument("--probabilities", type=WrittenGeoTIFF, help="GeoTIFF for the probability of every class")
    parser.add_argument(
        "--uncertainty",
        type=WrittenGeoTIFF,
        help="GeoTIFF for the entropy of the probabilities, 0 to 1, or the deviations of values",
    )
    parser.add_argument(
        "--vector", type=WrittenVector, help="the map's areas as polygons: .gpkg, .geojson, .fgb or .shp"
    )
    parser.add_argument("--smallest", type=whole(1), default=1, help="pixels of the smallest polygon (default: 1, all)")
    parser.add_argument("--ids", choices=["original", "index"], default="original", help=IDS_HELP)
    parser.add_argument("--png", type=WrittenPicture, help="picture of false colour and map, with a legend")
    parser.add_argument(
        "--labels", type=ReadLabels, help="labels, a map or a vector file, shown in the picture beside the result"
    )
    cube_arguments(parser, unless="as in training")
    parser.add_argument("--labels-key", help="variable of a .mat or HDF5 label map")
    parser.add_argument("--labels-axes", help="its axes, as --axes")
    parser.add_argument("--label-field", default="class", help="field of the classes of a vector file (default: class)")
    parser.add_argument("--label-layer", help="its layer, where it has several")
    parser.add_argument("--second", type=ReadFile, help="second source on the same ground, for models that take one")
    parser.add_argument("--second-key", help="its variable")
    parser.add_argument("--second-axes", help="its axes, as --axes")
    parser.add_argument("--scale", type=float, help="factor to the units of the training (default: none is needed)")
    parser.add_argument("--match-wavelengths", action="store_true", help="resample the bands to those of the training")
    parser.add_argument("--resume", action="store_true", help="go on from the finished rows of an interrupted run")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--amp", action="store_true", help="run the model in half precision")
    parser.add_argument(
        "--compile",
        action="store_true",
        help="have torch compile the model, which takes half a minute and makes large maps faster",
    )
    parser.add_argument(
        "--batch-size", type=batch_size, help="windows at a time, or auto (default: 512 pixels, 16 tiles)"
    )
    parser.add_argument("--window", type=whole(1), help="side of a segmentor's windows (default: as in training)")
    parser.add_argument("--stride", type=whole(1), help="step of a segmentor's windows (default: half a window)")
    parser.without("--out-dir", "--mosaic")
    parser.without("--labels", "--labels-key", "--labels-axes", "--label-field", "--label-layer")
    parser.without("--png", "--labels")
    parser.without("--vector", "--smallest")
    parser.without("--second", "--second-key", "--second-axes")
    args = parser.parse_intermixed_args()  # options may stand between the positional ones
    split_files(args, parser)
    return args


def load(args: argparse.Namespace) -> "SceneInferencer":
    """The model."""
    how = args.device, args.batch_size, args.window, args.stride, args.amp, args.compile
    with lasting_objects():
        from mmhsi.engine.quiet_logging import hush_models
        from mmhsi.inference import SceneInferencer

        if not args.verbose:
            hush_models()
        return SceneInferencer(read_config(args) if args.config else None, args.checkpoint, *how)


class Telling:
    """Progress that first says how the model passes through scenes: one that is refused has got no row yet.

    Args:
        step: The progress.
    """

    def __init__(self, step: "Step") -> None:
        self.step = step
        self.untold: SceneInferencer | None = None

    def of(self, inferencer: "SceneInferencer") -> "SceneInferencer":
        """The model of which it is to be said."""
        self.untold = inferencer
        return inferencer

    def __call__(self, done: float, whole: int) -> None:
        """Rows that are done, and rows in all."""
        if (told := self.untold) is not None:
            self.untold = None
            print(f"{'predicting values' if told.spec.targets else 'classifying'} {told.way}", flush=True)
        self.step(done, whole)


def map_options(args: argparse.Namespace) -> dict[str, Any]:
    """What a scene and its map are opened and written with, one scene or many."""
    names = ("key", "axes", "scale", "match_wavelengths", "resume", "ids")
    return {**{name: getattr(args, name) for name in names}, "image_options": image_options(args)}


def maps_of(
    args: argparse.Namespace, names: dict[str, str], folder: Path, records: "dict[str, Record]", step: "Step"
) -> "Iterator[tuple[Record, bool]]":
    """Map the scenes of this process, or have the workers of a cluster map all."""
    from mmhsi.errors import ConfigError
    from mmhsi.inference.many_scenes import model_identity, predict_scenes
    from mmhsi.inference.scene_lists import share

    with lasting_objects():
        config = read_unchecked(args) if args.config else None
    way = dict(window=args.window, stride=args.stride, amp=args.amp, compile=args.compile)
    identity, options = model_identity(config, args.checkpoint, **way), map_options(args)
    rows = args.share == "rows"
    if rows and args.batch_size == "auto":
        raise ConfigError("--share rows: all processes must take as many windows at a time; give --batch-size a number")
    if args.scheduler is None:
        mine = list(names) if rows else share(list(names), args.launcher)
        how, telling = dict(options, shared=rows, records=records), Telling(step)
        yield from predict_scenes(lambda: telling.of(load(args)), identity, mine, names, folder, telling, **how)
        return
    if args.launcher != "none":
        raise ConfigError("--scheduler: has workers of its own; leave --launcher out")
    try:
        from mmhsi.inference.dask_scenes import predict_on_cluster
    except ImportError as error:
        raise ConfigError("--scheduler: needs Dask; pip install 'mmhsi[dask]'") from error
    model = dict(way, config=config, checkpoint=str(Path(args.checkpoint).absolute()), device=args.device)
    model["batch_size"] = args.batch_size
    where = args.scheduler, model, identity, list(names), names, folder.absolute()
    found = predict_on_cluster(*where, shared=rows, **options)
    for done, result in enumerate(found, start=1):
        step(done, len(names))
        yield result


def predict_many(args: argparse.Namespace) -> None:
    """Predict the scenes of this process and write the summary of all."""
    from mmhsi.cli.console import bar, waiting
    from mmhsi.errors import ConfigError, DataError, one_line
    from mmhsi.inference.many_outputs import check_folder
    from mmhsi.inference.many_scenes import Record, read_records
    from mmhsi.inference.scene_lists import listed_scenes, map_names, stac_scenes
    from mmhsi.inference.scene_summary import SUMMARY, write_summary
    from mmhsi.io.destinations import check_outputs
    from mmhsi.io.readers.remote import is_remote

    given = [f"--{name}" for name in ONE_SCENE if getattr(args, name)]
    if given:
        raise ConfigError(f"{', '.join(given)}: of one scene; give --out in place of --out-dir")
    scenes = [*args.scenes, *(listed_scenes(args.list) if args.list else ())]
    of_items, bad_items = stac_scenes(args.stac) if args.stac else ((), {})
    scenes += of_items
    if bad_items and not scenes:
        raise DataError(next(iter(bad_items.values())))
    if args.scheduler is not None:
        scenes = [scene if is_remote(scene) else str(Path(scene).absolute()) for scene in scenes]
    names, folder = map_names(scenes), Path(args.out_dir)
    check_outputs([folder / SUMMARY], ())
    given = [args.config, args.checkpoint, args.list, args.stac, args.dark, args.white]
    optimised = args.mosaic == "cog"
    with lasting_objects():
        records = read_records(folder, names.values())
        check_folder(folder, names, records, given, args.key, args.axes, image_options(args), optimised)
    unnamed = [Record(item, "", 0.0, [], None, why) for item, why in bad_items.items()]
    failed, found, written, known = [*unnamed], 0, 0, {}
    with bar("classifying", "rows" if args.scheduler is None else "scenes") as step:
        for record, there in maps_of(args, names, folder, records, step):
            found += there
            if record.error:  # what is on the disk may be another process's record
                failed.append(record)
                continue
            known[record.map] = record
            if not there:
                written += 1
                print(f"map: {folder / record.map}", flush=True)
    for record in failed:  # first: a full disk may refuse the summary too
        scene = one_line(record.scene)
        print(f"failed: {'' if record.error.startswith(scene) else f'{scene}: '}{record.error}", file=sys.stderr)
    with waiting("writing the summary"):
        summary = write_summary(folder, names.values(), known, unnamed, optimised)
    for path in summary:
        print(f"summary: {path}")
    if any(record.facts and not record.facts.ids for record in known.values()):
        print(
            f"no mosaic is made of maps of values; with GDAL: gdalbuildvrt {folder / 'mosaic.vrt'} {folder / '*.tif'}"
        )
    were = counted(found, "was there", "were there")
    print(f"{counted(written, 'map')} written, {were}, {counted(len(failed), 'scene')} failed")
    if args.share == "rows" and (left := len(names) + len(unnamed) - len(known) - len(failed)):
        print(f"{counted(left, 'scene')} left to other processes that are at them, or to the next start")
    if failed:
        sys.exit(1)


def main() -> None:
    """Predict and write."""
    from mmhsi.errors import ConfigError

    args = parse_args()
    if args.out_dir:
        predict_many(args)
        return
    if len(args.scenes) != 1 or args.list or args.stac:
        raise ConfigError(f"--out: {len(args.scenes)} scenes are named; give one, or --out-dir for any number")
    if args.launcher != "none" or args.share != "scenes" or args.scheduler is not None:
        raise ConfigError("--out: is written by one process; give --out-dir for several (--share rows for one scene)")
    args.scene = args.scenes[0]
    check_there(args.scene)
    predict_one(args)


def predict_one(args: argparse.Namespace) -> None:
    """Predict one scene, with all that is asked for."""
    import rasterio

    from mmhsi.cli.console import bar
    from mmhsi.errors import ConfigError
    from mmhsi.inference import save_quicklook
    from mmhsi.inference.scene_opening import cube_options
    from mmhsi.io import label_map_info, read_class_map
    from mmhsi.io.vector_writer import write_areas
    from mmhsi.io.vectors import is_vector, read_vector

    # Before the model is loaded, so that a mistyped folder costs no time.
    check_label_options(args)
    if args.labels and is_vector(args.labels):
        read_vector(args.labels, args.label_field, args.label_layer)
    elif args.labels:
        label_map_info(args.labels, args.labels_key, args.labels_axes)
    inferencer = load(args)
    given = [f"--{name}" for name in ("vector", "png", "labels") if getattr(args, name)]
    if inferencer.spec.targets and given:
        raise ConfigError(f"{args.checkpoint}: predicts values, and {', '.join(given)} is for maps of classes")
    with bar("classifying", "rows") as step:
        telling = Telling(step)
        telling.of(inferencer).write_map(
            args.scene,
            args.out,
            second=args.second,
            second_key=args.second_key,
            second_axes=args.second_axes,
            probabilities=args.probabilities,
            uncertainty=args.uncertainty,
            progress=telling,
            moving=telling,
            **map_options(args),
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
            label_layer=args.label_layer,
            options=cube_options(inferencer.spec, image_options(args)),
        )
        print(f"picture: {args.png}")


if __name__ == "__main__":
    run(main)
