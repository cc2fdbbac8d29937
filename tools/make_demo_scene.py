"""Write a small simulated scene (cube and labels, GeoTIFF) to try the tools on.

Usage: python tools/make_demo_scene.py [--out data/demo] [--size 96] [--bands 64] [--seed 0]
"""

import argparse
import sys
from pathlib import Path

from mmhsi.datasets.simulation import simulate_scene, write_scene
from mmhsi.errors import MMHSIError


def main(arguments: list[str] | None = None) -> int:
    """Simulate, write, print the two paths; 0 on success, 2 on what the user can mend."""
    parser = argparse.ArgumentParser(description="Write a small SIMULATED hyperspectral scene to try the tools on.")
    parser.add_argument("--out", type=Path, default=Path("data/demo"), help="folder to write to (default: %(default)s)")
    parser.add_argument("--size", type=int, default=96, help="rows and columns in pixels (default: %(default)s)")
    parser.add_argument("--bands", type=int, default=64, help="bands over 400-2400 nm (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another scene (default: %(default)s)")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(arguments)
    try:
        scene = simulate_scene(height=options.size, width=options.size, bands=options.bands, seed=options.seed)
        cube_path, labels_path = write_scene(scene, options.out)
    except (MMHSIError, OSError) as error:
        if options.debug:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"cube:   {cube_path}")
    print(f"labels: {labels_path}")
    print("This scene is SIMULATED: figures measured on it show that the software works, not how good a method is.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
