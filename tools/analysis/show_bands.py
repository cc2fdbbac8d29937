"""Draw which part of the spectrum tells the classes apart: how well neighbouring bands alone classify."""

from pathlib import Path

from mmhsi.cli.command import WrittenPicture, run, tool_parser, whole
from mmhsi.cli.cubes import cube_arguments, open_named
from mmhsi.cli.inputs import ReadFile, ReadLabels

MOST_PIXELS = 3000


def main() -> None:
    """Measure and draw."""
    parser = tool_parser(__doc__, "mmhsi show_bands scene.tif labels.tif --out bands.png")
    parser.add_argument("scene", type=ReadFile, help="any file that is read")
    parser.add_argument(
        "labels", type=ReadLabels, help="label map in which 0 means no label, or a map of mmhsi predict"
    )
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG")
    parser.add_argument("--groups", type=whole(1), default=24, help="groups of neighbouring bands (default: 24)")
    parser.add_argument(
        "--block", type=whole(1), default=8, help="side of the blocks that are held out (default: 8 pixels)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the draw of pixels, where there are many (default: 0)")
    cube_arguments(parser)
    parser.add_argument("--labels-key", help="variable of a .mat or HDF5 label map")
    parser.add_argument("--labels-axes", help="its axes, as --axes")
    args = parser.parse_args()
    import numpy as np

    from mmhsi.evaluation.band_importance import band_importance
    from mmhsi.io.pixels import read_pixels
    from mmhsi.visualization.band_importance import importance_figure
    from mmhsi.visualization.mapped_scene import read_classes
    from mmhsi.visualization.png import save_figure
    from mmhsi.visualization.spectra import class_spectra

    with open_named(args.scene, args) as reader:
        found = read_classes(args.labels, reader.info, args.labels_key, args.labels_axes)
        spectra = class_spectra(reader, found.classes, len(found.names))
        assert spectra.taken is not None  # class_spectra gives it
        labelled = np.flatnonzero(spectra.taken)
        if len(labelled) > MOST_PIXELS:
            labelled = np.sort(np.random.default_rng(args.seed).choice(labelled, MOST_PIXELS, replace=False))
        pixels = read_pixels(reader, labelled, spectra.bands.tolist())
    width = found.classes.shape[1]
    blocks = labelled // width // args.block * width + labelled % width // args.block
    # A group holds neighbours alone: none reaches over a gap.
    pieces = [np.flatnonzero(spectra.pieces == piece) for piece in np.unique(spectra.pieces)]
    each = -(-len(spectra.bands) // args.groups)
    groups = [part for piece in pieces for part in np.array_split(piece, -(-len(piece) // each))]
    result = band_importance(pixels, found.classes.ravel()[labelled], blocks, groups)
    for right, bands in sorted(zip(result.alone.mean(axis=0), groups, strict=True), key=lambda pair: -pair[0])[:5]:
        low, high = spectra.wavelengths[bands[[0, -1]]]
        place = f"{low:.0f} to {high:.0f} nm" if "nm" in spectra.unit else f"bands {low:.0f} to {high:.0f}"
        print(f"{place}: alone right on {100 * right:.1f} % of held-out pixels")
    print(f"all together: {100 * result.together.mean():.1f} %")
    title = Path(args.scene).name
    save_figure(args.out, importance_figure(result, groups, spectra, pixels.mean(axis=0), title))
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
