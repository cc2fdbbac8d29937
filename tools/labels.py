"""Bring drawn labels onto a cube's grid: a label map, and what each class has, what was lost and what overlaps."""

from mmhsi.cli.command import WrittenGeoTIFF, run, tool_parser
from mmhsi.cli.cubes import cube_arguments, open_named
from mmhsi.cli.inputs import ReadFile, ReadLabels


def main() -> None:
    """Read, draw, write and count."""
    parser = tool_parser(__doc__, "mmhsi labels scene.tif fields.gpkg --out labels.tif --label-field crop")
    parser.add_argument("cube", type=ReadFile, help="any file that mmhsi reads")
    parser.add_argument(
        "labels", type=ReadLabels, help="GeoPackage, shapefile, FlatGeobuf, GeoJSON or CSV table of points"
    )
    parser.add_argument(
        "--out",
        type=WrittenGeoTIFF,
        required=True,
        help="GeoTIFF for the label map: ids from 1, 0 where there is no label",
    )
    parser.add_argument("--label-field", default="class", help="field of the classes, names or ids (default: class)")
    parser.add_argument("--label-layer", help="its layer, where it has several")
    parser.add_argument("--classes", nargs="+", default=(), help="class names in their order (default: sorted)")
    parser.add_argument("--label-ids", type=int, nargs="+", default=(), help="id of each class (default: 1 to K)")
    parser.add_argument("--all-touched", action="store_true", help="a polygon holds every pixel that it touches")
    cube_arguments(parser)
    args = parser.parse_args()
    import warnings

    import numpy as np

    from mmhsi.datasets.drawn_labels import draw_labels
    from mmhsi.errors import DataError, DataWarning
    from mmhsi.io import ClassMapWriter
    from mmhsi.io.ground import area_texts, row_areas
    from mmhsi.io.placement import Grid
    from mmhsi.progress import begin
    from mmhsi.visualization import class_palette

    with open_named(args.cube, args) as reader:
        grid = Grid.of(reader.info)
    begin("drawing the labels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # what it would say is printed below
        drawn = draw_labels(
            args.labels,
            grid,
            args.classes,
            args.label_ids,
            field=args.label_field,
            layer=args.label_layer,
            all_touched=args.all_touched,
        )
    if not 0 < min(drawn.label_ids) <= max(drawn.label_ids) < 65536:
        raise DataError(
            f"{args.labels}: ids from {min(drawn.label_ids)} to {max(drawn.label_ids)}; expected 1 to 65535"
        )
    ids = np.array([*drawn.label_ids, *[0] * (256 - len(drawn.label_ids))])
    with ClassMapWriter(
        args.out,
        grid.shape,
        class_names=drawn.classes,
        palette=class_palette(drawn.classes),
        class_ids=drawn.label_ids,
        nodata=0,
        crs=grid.crs,
        transform=grid.transform,
    ) as writer:
        writer.write_rows(0, ids[drawn.labels])

    areas = row_areas(grid)
    width = max(5, *(len(name) for name in drawn.classes))
    print(f"{'id':>5}  {'class':<{width}}{'pixels':>10}" + ("" if areas is None else f"{'area':>14}"))
    rows = [(drawn.labels == index).sum(axis=1) for index in range(len(drawn.classes))]  # of each class, (H,)
    texts = [""] * len(rows) if areas is None else area_texts([float((count * areas).sum()) for count in rows])
    for label, name, count, area in zip(drawn.label_ids, drawn.classes, rows, texts, strict=True):
        print(f"{label:>5}  {name:<{width}}{count.sum():>10}" + (area and f"{area:>14}"))
    rule = "touched pixels" if args.all_touched else "pixels whose centres a polygon holds"
    print(f"features: {drawn.burned.features:,} with a class, by the {rule}")
    for line in drawn.losses:
        print(f"note: {line}")
    print(f"label map: {args.out}")


if __name__ == "__main__":
    run(main)
