"""Write the features that a trained model computes of every pixel, or their means over points and polygons."""

import argparse
from pathlib import Path

from mmhsi.cli.command import run, tool_parser, whole
from mmhsi.cli.cubes import cube_arguments, image_options
from mmhsi.cli.inputs import ReadFile, ReadLabels, check_there, split_files
from mmhsi.cli.options import dataset_argument, read_config


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(__doc__, "mmhsi embed model.pth scene.tif --out features.tif --pca 16")
    parser.add_argument(
        "files",
        nargs="+",
        metavar="[CONFIG] CHECKPOINT SCENE",
        help="config file of the training, none for a published checkpoint; checkpoint file; the scene",
    )
    dataset_argument(parser)
    parser.add_argument(
        "--out", required=True, help=".tif or .zarr, a band a feature; with --at .parquet, a row a point or polygon"
    )
    parser.add_argument(
        "--at", type=ReadLabels, help="points or polygons whose mean features are wanted: .gpkg, .geojson, .shp, .csv"
    )
    parser.add_argument("--label-field", default="class", help="its field of the classes (default: class)")
    parser.add_argument("--label-layer", help="its layer, where it has several")
    parser.add_argument("--pca", type=whole(1), metavar="K", help="principal components of the features (default: all)")
    parser.add_argument("--float32", action="store_true", help="keep 32 bits in place of 16")
    cube_arguments(parser, unless="as in training")
    parser.add_argument("--second", type=ReadFile, help="second source on the same ground, for models that take one")
    parser.add_argument("--second-key", help="its variable")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--batch-size", type=whole(1), help="windows at a time (default: 512)")
    parser.without("--at", "--label-field", "--label-layer")
    parser.without("--second", "--second-key")
    args = parser.parse_intermixed_args()
    split_files(args, parser)
    if len(args.scenes) != 1:
        parser.error(f"one scene is expected, {len(args.scenes)} are named")
    args.scene = args.scenes[0]
    check_there(args.scene)
    return args


def main() -> None:
    """Embed and write."""
    args = parse_args()
    from mmhsi.errors import DataError
    from mmhsi.io.destinations import check_outputs
    from mmhsi.io.feature_maps import check_feature_name
    from mmhsi.io.feature_tables import check_table_name, write_feature_table
    from mmhsi.io.lock import hold_outputs
    from mmhsi.io.vectors import read_vector

    # Before anything slow is imported, so that a mistyped name costs no time.
    if args.at:
        check_table_name(args.out)
    else:
        check_feature_name(args.out)
    inputs = (args.scene, args.second, args.at, args.checkpoint)
    if any(path is not None and Path(args.out).resolve() == Path(path).resolve() for path in inputs):
        raise DataError(f"{args.out}: is an input, and would be written over; give another name")
    if not (args.out.lower().endswith(".zarr") and Path(args.out).is_dir()):  # which ZarrWriter looks at
        check_outputs((args.out,), inputs)
    vector = read_vector(args.at, args.label_field, args.label_layer) if args.at else None
    from mmhsi.cli.console import bar
    from mmhsi.inference import SceneInferencer
    from mmhsi.inference.feature_basis import FeatureBasis
    from mmhsi.inference.place_features import features_at
    from mmhsi.inference.scene_features import PixelFeatures, write_features

    config = read_config(args) if args.config else None
    inferencer = SceneInferencer(config, args.checkpoint, args.device, args.batch_size)
    features = PixelFeatures(inferencer)
    opening = dict(key=args.key, second=args.second, second_key=args.second_key, axes=args.axes)
    opening["image_options"] = image_options(args)
    basis = None
    with hold_outputs([Path(args.out)]):
        if args.pca is not None:
            with inferencer.open_scene(args.scene, **opening) as rows:
                basis = FeatureBasis.fit(features.sample(rows), args.pca)
            print(f"{args.pca} components hold {100 * basis.kept:.1f} % of the variance")
        with inferencer.open_scene(args.scene, **opening) as rows, bar("embedding", "rows") as step:
            if vector is None:
                count = write_features(features, rows, args.out, basis, not args.float32, step)
                what = f"{count} a pixel"
            else:
                table = features_at(features, rows, vector, basis, step)
                write_feature_table(args.out, table, args.label_field)
                what = f"{table.features.shape[1]} of each of {len(table.pixels)} places"
    print(f"features: {args.out}, {what}")


if __name__ == "__main__":
    run(main)
