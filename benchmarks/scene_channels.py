"""Seconds a megapixel that every family of channels takes on one core, on a simulated scene of noise."""

import time

from mmhsi.cli.command import run, tool_parser


def main() -> None:
    """Measure and print."""
    parser = tool_parser(__doc__)
    parser.add_argument("--side", type=int, default=256, help="height and width in pixels (default: %(default)s)")
    parser.add_argument("--bands", type=int, default=48, help="(default: %(default)s)")
    parser.add_argument(
        "--scale", type=int, default=4, help="second source's pixels a pixel, 0: none (default: %(default)s)"
    )
    parser.add_argument("--local", action="store_true", help="channels that see nothing outside 9x9 pixels")
    args = parser.parse_args()
    import numpy as np

    from mmhsi.datasets.channels import Basis
    from mmhsi.registry import CHANNELS

    rng = np.random.default_rng(0)
    side, fine = args.side, args.side * args.scale
    image = rng.normal(1000, 200, (side, side, args.bands)).astype(np.float32)
    second = rng.normal(100, 30, (fine, fine, 3)).astype(np.float32) if args.scale else None
    parts = image, np.ones((side, side), bool), second, max(args.scale, 1)
    megapixels = side * side / 1e6
    begin = time.perf_counter()
    basis = Basis.fit([parts], 6, 6)
    views = basis.views(*parts, 4 if args.local else None)
    print("| family | channels | fit, s/Mpx | channels, s/Mpx |\n| --- | ---: | ---: | ---: |")
    print(f"| scaling and components | | {(time.perf_counter() - begin) / megapixels:.1f} | |")
    CHANNELS.import_from_location()
    for family in (kind() for kind in CHANNELS.module_dict.values() if args.scale or not kind.needs_second):
        begin = time.perf_counter()
        family.fit([views])
        fitted = time.perf_counter()
        channels = family(views)
        end = time.perf_counter()
        seconds = f"{(fitted - begin) / megapixels:.1f} | {(end - fitted) / megapixels:.1f}"
        print(f"| {family.short} | {channels.shape[2]} | {seconds} |")


if __name__ == "__main__":
    run(main)
