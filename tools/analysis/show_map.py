"""Draw a map of mmhsi predict beside false colour, and with labels beside ground truth and errors."""

from pathlib import Path

from mmhsi.cli.command import WrittenPicture, run, tool_parser
from mmhsi.cli.cubes import map_arguments, named_truth, open_named
from mmhsi.cli.inputs import ReadFile, ReadMap


def main() -> None:
    """Read, draw, and count what is right."""
    parser = tool_parser(__doc__, "mmhsi show_map scene.tif map.tif --labels labels.tif --out map.png")
    parser.add_argument("scene", type=ReadFile, help="GeoTIFF, ENVI, .mat or .npy")
    parser.add_argument("map", type=ReadMap, help="map of mmhsi predict")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG with a legend")
    map_arguments(parser)
    args = parser.parse_args()
    from mmhsi.io import read_class_map
    from mmhsi.visualization import save_map_figure
    from mmhsi.visualization.error_map import error_classes
    from mmhsi.visualization.mapped_scene import mapped_scene

    class_map = read_class_map(args.map)
    with open_named(args.scene, args) as reader:
        truth = named_truth(reader.info, class_map.names, args)
        scene = mapped_scene(reader, class_map, truth, args.bands)
    save_map_figure(
        args.out,
        false_colour=scene.picture,
        class_map=scene.classes,
        class_names=class_map.names,
        palette=class_map.palette,
        ground_truth=scene.truth,
        title=Path(args.scene).name,
        frame=scene.frame,
    )
    if truth is not None:
        errors = error_classes(class_map.classes, truth)
        right, compared = int((errors == 0).sum()), int((errors != 255).sum())
        share = f" ({100 * right / compared:.2f} %)" if compared else ""
        print(f"right: {right} of {compared} labelled pixels{share}, those of training included")
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
