"""Draw the label maps of a published split of the Toulouse Hyperspectral Data Set."""

from pathlib import Path

from mmhsi.cli.command import run, tool_parser
from mmhsi.cli.inputs import ReadLabels, reads


def main() -> None:
    """Draw, and say where the lists of tiles lie."""
    parser = tool_parser(__doc__, "mmhsi toulouse_labels ground_truth.shp split_1.pkl --root data/toulouse")
    parser.add_argument("polygons", type=ReadLabels, help="ground_truth.shp of the package TlseHypDataSet")
    parser.add_argument(
        "split",
        type=reads("split_1.pkl to split_8.pkl"),
        help="split_1.pkl to split_8.pkl of the same, read as numbers alone",
    )
    parser.add_argument(
        "--root", type=Path, default=Path("data/toulouse"), help="folder with images/ (default: %(default)s)"
    )
    args = parser.parse_args()
    from mmhsi.datasets.toulouse import write_label_maps

    for path in write_label_maps(args.root, args.polygons, args.split):
        print(f"tiles: {path}")


if __name__ == "__main__":
    run(main)
