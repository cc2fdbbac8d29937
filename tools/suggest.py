"""Say where to label next: points with an empty class field, where the model is unsure and spectra differ."""

from mmhsi.cli.command import WrittenVector, run, tool_parser, whole
from mmhsi.cli.cubes import cube_arguments, open_named
from mmhsi.cli.inputs import ReadFile, ReadMap


def main() -> None:
    """Read the uncertainty and the spectra, choose, write."""
    parser = tool_parser(__doc__, "mmhsi suggest scene.tif doubt.tif --out next.gpkg --count 50")
    parser.add_argument("cube", type=ReadFile, help="any file that mmhsi reads")
    parser.add_argument(
        "doubt", type=ReadMap, help="probabilities of its map, of predict's --probabilities; or its uncertainty"
    )
    parser.add_argument(
        "--out", type=WrittenVector, required=True, help="points to fill in: .gpkg, .geojson, .fgb or .shp"
    )
    parser.add_argument("--count", type=whole(1), default=50, help="points (default: 50)")
    parser.add_argument("--distance", type=float, default=5, help="least distance of two, in pixels (default: 5)")
    parser.add_argument("--label-field", default="class", help="field that is to be filled in (default: class)")
    parser.add_argument("--seed", type=int, default=0, help="of the pixels that are looked at in large scenes")
    cube_arguments(parser)
    args = parser.parse_args()
    import numpy as np

    from mmhsi.errors import ConfigError, DataError
    from mmhsi.inference.suggestion import draw_candidates, read_doubt, suggest_pixels
    from mmhsi.io import open_cube
    from mmhsi.io.pixels import read_pixels
    from mmhsi.io.vector_writer import check_vector_name, write_points

    if not 0 <= args.distance < float("inf"):
        raise ConfigError(f"--distance {args.distance:g} given, expected pixels, at least 0")
    check_vector_name(args.out, (args.label_field,))
    if args.label_field.casefold() in ("uncertainty", "rank"):  # formats may tell no cases apart
        raise ConfigError(f"--label-field {args.label_field}: is a field of its own; give another")
    with open_cube(args.doubt) as reader:
        values, known = read_doubt(reader)
    found = values[known]
    if found.size and not (found.min() >= 0 and found.max() <= 1):
        raise DataError(
            f"{args.doubt}: values of {found.min():g} to {found.max():g}; expected 0 to 1, as of predict's "
            "--probabilities or --uncertainty"
        )
    with open_named(args.cube, args) as reader:
        info = reader.info
        if info.shape[:2] != values.shape:
            raise DataError(f"{args.doubt}: {values.shape} pixels, {args.cube} has {info.shape[:2]}")
        pixels = np.flatnonzero(known.ravel())
        ranked = pixels[draw_candidates(values.ravel()[pixels], args.count, args.seed)]
        rows, columns = np.divmod(ranked, info.shape[1])
        spectra = read_pixels(reader, ranked, info.good_bands.nonzero()[0].tolist())
    places = np.stack([rows, columns], axis=1)
    chosen = suggest_pixels(spectra, places, values[rows, columns], args.count, args.distance, args.seed)
    middles = np.stack([columns[chosen] + 0.5, rows[chosen] + 0.5], axis=1)
    fields = {
        args.label_field: np.full(len(chosen), None, dtype=object),
        "uncertainty": values[rows, columns][chosen].astype(np.float64),
        "rank": np.arange(1, len(chosen) + 1),
    }
    write_points(args.out, middles, fields, info.crs, info.transform)
    if len(chosen) < args.count:
        print(f"note: {args.distance:g} pixels apart there is room for {len(chosen)} points")
    print(f"points: {len(chosen)} in {args.out}, uncertainty {fields['uncertainty'].mean():.2f} on average")


if __name__ == "__main__":
    run(main)
