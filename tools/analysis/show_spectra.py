"""Draw the mean spectrum of every class of a map or of a label map, and the standard deviation around it."""

from pathlib import Path

from mmhsi.cli.command import WrittenPicture, run, tool_parser
from mmhsi.cli.cubes import cube_arguments, open_named
from mmhsi.cli.inputs import ReadFile, ReadLabels


def main() -> None:
    """Average and draw."""
    parser = tool_parser(__doc__, "mmhsi show_spectra scene.tif labels.tif --out spectra.png")
    parser.add_argument("scene", type=ReadFile, help="GeoTIFF, ENVI, .mat or .npy")
    parser.add_argument("labels", type=ReadLabels, help="map of mmhsi predict, or label map in which 0 means no label")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG")
    cube_arguments(parser)
    parser.add_argument("--labels-key", help="variable of a .mat or HDF5 label map")
    parser.add_argument("--labels-axes", help="its axes, as --axes")
    args = parser.parse_args()
    from mmhsi.visualization.mapped_scene import read_classes
    from mmhsi.visualization.png import save_figure
    from mmhsi.visualization.spectra import class_spectra, spectra_figure

    with open_named(args.scene, args) as reader:
        found = read_classes(args.labels, reader.info, args.labels_key, args.labels_axes)
        spectra = class_spectra(reader, found.classes, len(found.names))
    save_figure(args.out, spectra_figure(spectra, found.names, found.palette, Path(args.scene).name))
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
