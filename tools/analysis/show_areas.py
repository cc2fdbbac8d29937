"""Print and draw the area of each class of a map."""

from pathlib import Path

from mmhsi.cli.command import WrittenPicture, run, tool_parser
from mmhsi.cli.inputs import ReadMap


def main() -> None:
    """Count, print and draw."""
    parser = tool_parser(__doc__, "mmhsi show_areas map.tif --out areas.png")
    parser.add_argument("map", type=ReadMap, help="map of mmhsi classify or predict")
    parser.add_argument("--out", type=WrittenPicture, required=True, help="PNG")
    args = parser.parse_args()
    import rasterio

    from mmhsi.io import read_class_map
    from mmhsi.io.placement import Grid
    from mmhsi.visualization.class_areas import areas_figure, class_areas, pixel_area
    from mmhsi.visualization.png import save_figure

    found = read_class_map(args.map)
    with rasterio.open(args.map) as file:
        placed = file.crs is not None
        grid = Grid(file.shape, file.crs, file.transform if placed else None, args.map)
    areas = class_areas(found.classes, found.names, found.palette, pixel_area(grid))
    print("| class | pixels | share | ha |\n| --- | ---: | ---: | ---: |")
    for area in areas:
        hectares = f"{area.hectares:,.2f}" if area.hectares == area.hectares else "-"
        print(f"| {area.name} | {area.pixels:,} | {100 * area.share:.1f} % | {hectares} |")
    save_figure(args.out, areas_figure(areas, Path(args.map).name))
    print("counted on the map, as it stands: what it confuses is counted where it does not belong")
    print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
