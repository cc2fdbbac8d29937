"""Write one self-contained HTML page of a run: config, curves, metrics, and a map to look at closely, if given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.cubes import map_arguments, named_truth, open_named
from mmhsi.cli.inputs import ReadFile, ReadMap, ReadReport, reads

if TYPE_CHECKING:
    import argparse

    from mmhsi.visualization.run_report import Chart, MapPart


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(
        __doc__, "mmhsi browse_report runs/ft --scene scene.tif --map map.tif --labels labels.tif --out report.html"
    )
    parser.add_argument("work_dir", type=reads("the folder of a run"), help="folder of the run")
    parser.add_argument("--out", type=WrittenFile, help="HTML file (default: report.html in the work dir)")
    parser.add_argument(
        "--report", type=ReadReport, help="JSON file of mmhsi test --out (default: the newest in the work dir)"
    )
    parser.add_argument("--scene", type=ReadFile, help="scene that --map was made of")
    parser.add_argument("--map", type=ReadMap, help="map of mmhsi predict")
    parser.add_argument("--uncertainty", type=ReadMap, help="its uncertainty, of predict's --uncertainty")
    map_arguments(parser)
    parser.without("--scene", "--map")
    parser.without("--map", "--scene", "--labels", "--uncertainty", "--bands")
    return parser.parse_args()


def scene_parts(args: argparse.Namespace) -> tuple[MapPart, list[Chart]]:
    """Map and spectra."""
    from mmhsi.errors import DataError
    from mmhsi.io import open_cube, read_class_map
    from mmhsi.visualization.mapped_scene import mapped_scene
    from mmhsi.visualization.pixel_spectra import pixel_spectra
    from mmhsi.visualization.run_report import map_part, spectra_charts
    from mmhsi.visualization.spectra import class_spectra

    class_map = read_class_map(args.map)
    names, palette = class_map.names, class_map.palette
    with open_named(args.scene, args) as reader:
        truth = named_truth(reader.info, names, args)
        scene = mapped_scene(reader, class_map, truth, args.bands)
        pixels = pixel_spectra(reader, class_map.classes, list(names))
        spectra = [("Predicted classes", class_spectra(reader, class_map.classes, len(names)))]
        if truth is not None:
            spectra.insert(0, ("Ground truth", class_spectra(reader, truth, len(names))))
    title = f"{Path(args.map).name} over {Path(args.scene).name}"
    doubt = None
    if args.uncertainty:
        with open_cube(args.uncertainty) as reader:
            doubt = reader.read().data[..., 0]
        if doubt.shape != class_map.classes.shape:
            raise DataError(f"{args.uncertainty}: {doubt.shape} pixels, the map has {class_map.classes.shape}")
    return map_part(scene, names, palette, title, doubt, pixels), spectra_charts(spectra, names, palette)


def main() -> None:
    """Gather the parts and write the page."""
    args = parse_args()
    from mmhsi.errors import DataError
    from mmhsi.io.files import write_whole
    from mmhsi.visualization.run_report import config_part, curve_charts, find_report, metrics_part, render_report

    work_dir = Path(args.work_dir)
    if not work_dir.is_dir():
        raise DataError(f"{work_dir}: is no folder; expected the work dir of a run")
    report = Path(args.report) if args.report else find_report(work_dir)
    test = metrics_part(report) if report else None
    map_, spectra = scene_parts(args) if args.map else (None, [])
    curves, config = curve_charts(work_dir), config_part(work_dir)
    parts = dict(test=test, map=map_, spectra=spectra, curves=curves, config=config)
    if not any(parts.values()):
        raise DataError(f"{work_dir}: holds no config, no logged values and no report; is it the work dir of a run?")
    out = Path(args.out or work_dir / "report.html")
    content = render_report(work_dir.resolve().name, test, map_, spectra, curves, config).encode()
    write_whole(out, content)
    print(f"page: {out} ({len(content) / 1e6:.1f} MB; {', '.join(name for name, part in parts.items() if part)})")


if __name__ == "__main__":
    run(main)
