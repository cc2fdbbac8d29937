"""Write one self-contained HTML page of a run: config, curves, metrics, and a map with an opacity slider, if given."""

import argparse
from pathlib import Path

from mmhsi.cli.command import map_options, run, tool_parser


def parse_args() -> argparse.Namespace:
    """Options."""
    parser = tool_parser(__doc__)
    parser.add_argument("work_dir", help="folder of the run")
    parser.add_argument("--out", help="HTML file (default: report.html in the work dir)")
    parser.add_argument("--report", help="JSON file of tools/test.py --out (default: the newest in the work dir)")
    parser.add_argument("--scene", help="scene that --map was made of")
    parser.add_argument("--map", help="map of tools/predict.py")
    map_options(parser)
    return parser.parse_args()


def scene_sections(args: argparse.Namespace) -> list[tuple[str, str]]:
    """Map and spectra."""
    from mmhsi.io import open_cube, read_class_map
    from mmhsi.visualization.mapped_scene import mapped_scene, read_truth
    from mmhsi.visualization.run_report import map_section, spectra_section
    from mmhsi.visualization.spectra import class_spectra

    class_map = read_class_map(args.map)
    names, palette = class_map.names, class_map.palette
    truth = None
    with open_cube(args.scene, args.key, args.axes) as reader:
        if args.labels:
            truth = read_truth(args.labels, reader.info, names, args.label_ids, args.ignore_ids, args.labels_key)
        scene = mapped_scene(reader, class_map, truth, args.bands)
        spectra = [("Predicted classes", class_spectra(reader, class_map.classes, len(names)))]
        if truth is not None:
            spectra.insert(0, ("Ground truth", class_spectra(reader, truth, len(names))))
    return [
        map_section(scene, names, palette, f"{Path(args.map).name} over {Path(args.scene).name}"),
        spectra_section(spectra, names, palette),
    ]


def main() -> None:
    """Gather the sections and write the page."""
    args = parse_args()
    from mmhsi.errors import ConfigError, DataError
    from mmhsi.io.files import replacing
    from mmhsi.visualization.html_page import page
    from mmhsi.visualization.run_report import config_section, curves_section, find_report, metrics_section

    work_dir = Path(args.work_dir)
    if not work_dir.is_dir():
        raise DataError(f"{work_dir}: no such folder; expected the work dir of a run")
    if bool(args.scene) != bool(args.map) or (args.labels and not args.map):
        raise ConfigError("browse_report: --scene and --map are given together, --labels with both")
    report = Path(args.report) if args.report else find_report(work_dir)
    sections = [metrics_section(report)] if report else []
    sections += scene_sections(args) if args.map else []
    sections += [section for section in (curves_section(work_dir), config_section(work_dir)) if section]
    if not sections:
        raise DataError(f"{work_dir}: holds no config, no logged values and no report; is it the work dir of a run?")
    out = Path(args.out or work_dir / "report.html")
    content = page(work_dir.resolve().name, sections).encode()
    with replacing(out) as temporary:
        temporary.write_bytes(content)
    print(f"page: {out} ({len(content) / 1e6:.1f} MB; {', '.join(heading for heading, _ in sections)})")


if __name__ == "__main__":
    run(main)
