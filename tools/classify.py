"""Classify a scene from some labelled pixels, with a report of what the map is worth; no config is needed."""

import argparse
import math
from pathlib import Path

from mmhsi.cli.command import WrittenGeoTIFF, WrittenVector, run, tool_parser, whole, writes
from mmhsi.cli.cubes import band_numbers, check_label_options, cube_arguments, image_options, open_named
from mmhsi.cli.inputs import ReadFile, ReadLabels, ReadNamedModel
from mmhsi.errors import ConfigError
from mmhsi.estimator.candidates import choose_candidates

WrittenReport = writes("a report", ".html", ".md", ".json")


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(__doc__, "mmhsi classify scene.tif fields.gpkg --out map.tif --minutes 10")
    parser.add_argument(
        "cube", type=ReadFile, help="any file that is read: products, GeoTIFF, ENVI, .mat, HDF5, netCDF, Zarr, .npy"
    )
    parser.add_argument(
        "labels", type=ReadLabels, help="polygons or points, or a raster on the cube's grid: class numbers, 0 for none"
    )
    parser.add_argument("--label-field", default="class", help="field of the classes of a vector file (default: class)")
    parser.add_argument("--label-layer", help="its layer, where it has several")
    parser.add_argument("--out", type=WrittenGeoTIFF, required=True, help="GeoTIFF for the map")
    parser.add_argument("--second", type=ReadFile, help="second source on the same ground, such as an aerial picture")
    parser.add_argument("--minutes", type=float, default=10, help="time for everything, roughly (default: 10)")
    parser.add_argument("--models", nargs="+", default=["auto"], help="auto, or candidates: extra-trees lda cnn2d …")
    parser.add_argument(
        "--pretrained", type=ReadNamedModel, help="checkpoint of an encoder, or a name of mmhsi weights list, tried too"
    )
    parser.add_argument("--folds", type=whole(2), default=5, help="folds of the comparison, at most (default: 5)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (default: 0)")
    parser.add_argument("--sample", action="store_true", help="the labels are a random sample of the map")
    parser.add_argument("--probabilities", type=WrittenGeoTIFF, help="GeoTIFF for the probability of every class")
    parser.add_argument(
        "--uncertainty", type=WrittenGeoTIFF, help="GeoTIFF for the entropy of the probabilities, 0 to 1"
    )
    parser.add_argument(
        "--vector", type=WrittenVector, help="the map's areas as polygons: .gpkg, .geojson, .fgb or .shp"
    )
    parser.add_argument(
        "--report", type=WrittenReport, help="file for the report: .html, .md or .json (default: MAP.html)"
    )
    parser.add_argument("--work-dir", help="folder for model, configs and comparison (default: MAP.work)")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    cube_arguments(parser)
    parser.add_argument(
        "--bad-bands",
        type=band_numbers,
        metavar="0,104-108",
        help="bands that are left out beside those that the file flags, counted from 0",
    )
    parser.add_argument("--labels-key", help="variable of the labels")
    parser.add_argument("--labels-axes", help="axes of the labels, such as 'y x'")
    parser.add_argument("--second-key", help="variable of the second source")
    parser.add_argument("--second-axes", help="its axes, as --axes")
    parser.add_argument(
        "--second-scale", type=whole(1), help="its pixels per pixel of the cube (default: from the sizes)"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but warnings and the last line")
    parser.without("--second", "--second-key", "--second-axes", "--second-scale")
    return parser.parse_args()


def picture_of(args: argparse.Namespace, names: list[str]) -> str:
    """The map beside the scene in false colour, as a data URI."""
    import base64

    from mmhsi.io import read_class_map
    from mmhsi.visualization.map_figure import map_figure_png
    from mmhsi.visualization.mapped_scene import mapped_scene

    with open_named(args.cube, args) as reader:
        shown = mapped_scene(reader, read_class_map(args.out), None, None)
    content = map_figure_png(shown.picture, shown.classes, names, frame=shown.frame)
    return "data:image/png;base64," + base64.b64encode(content).decode()


def write_vector(path: str, out: Path) -> None:
    """The map's areas as polygons."""
    import rasterio

    from mmhsi.io import read_class_map
    from mmhsi.io.vector_writer import write_areas

    found = read_class_map(out)
    with rasterio.open(out) as written:
        crs, transform = written.crs, written.transform if written.crs else None
    write_areas(path, found.classes, found.names, found.ids, crs, transform)


def main() -> None:
    """Classify."""
    args = parse_args()
    check_label_options(args)
    if not 0 < args.minutes < math.inf:
        raise ConfigError(f"--minutes {args.minutes:g}: expected more than 0")
    models = "auto" if args.models == ["auto"] else args.models
    choose_candidates(models)
    from mmengine.logging import MMLogger

    from mmhsi.cli.steps import Steps
    from mmhsi.estimator import SceneClassifier
    from mmhsi.estimator.report import check_page
    from mmhsi.inference.stac import check_item
    from mmhsi.io.destinations import check_outputs
    from mmhsi.io.lock import hold, hold_outputs

    steps = Steps(args.quiet)
    MMLogger.get_current_instance().setLevel("WARNING")
    out = Path(args.out)
    report, workdir = Path(args.report or out.with_suffix(".html")), Path(args.work_dir or f"{out}.work")
    if not args.report:
        check_outputs([report], [args.out, args.cube, args.labels])
        check_page(report)
    check_item(out)
    keys = dict(key="image_key", axes="image_axes")
    keys.update({name: name for name in ("bad_bands", "labels_key", "labels_axes", "label_layer")})
    keys.update({name: name for name in ("second_key", "second_axes", "second_scale")})
    scene = {field: getattr(args, name) for name, field in keys.items() if getattr(args, name) is not None}
    if opened := image_options(args):
        scene["image_options"] = opened
    classifier = SceneClassifier(args.minutes, models, args.folds, args.seed, args.sample, args.pretrained)
    written = (out, args.probabilities, args.uncertainty, args.vector, report)
    with hold(workdir, "work dir", "give another --work-dir"), hold_outputs(Path(path) for path in written if path):
        with steps.working(f"looking and trying, {args.minutes:g} min at most"):
            classifier.fit(
                args.cube,
                args.labels,
                label_field=args.label_field,
                second=args.second,
                scene=scene,
                workdir=workdir,
                resume=args.resume,
                say=steps.say,
            )
        steps.say("map of the whole scene")
        given = dict(second=args.second, out=out, scene=scene, resume=args.resume, progress=steps.moved)
        with steps.rows("classifying"):
            result = classifier.predict(args.cube, **given)
        with steps.rows("writing"):
            result.save(out, args.probabilities, args.uncertainty)
            if args.vector:
                write_vector(args.vector, out)
            classifier.report.save(report, picture_of(args, result.names) if report.suffix == ".html" else None)
    steps.last(f"map {out}, report {report}, model {workdir / classifier.checkpoint_.name}")


if __name__ == "__main__":
    run(main)
