"""Write a small SIMULATED hyperspectral scene to try the tools on."""

from pathlib import Path

from mmhsi.cli.command import run, tool_parser
from mmhsi.datasets.simulation import simulate_scene, write_scene


def main() -> None:
    """Simulate, write, print the two paths."""
    parser = tool_parser(__doc__, "mmhsi make_demo_scene --out data/demo")
    parser.add_argument("--out", type=Path, default=Path("data/demo"), help="folder to write to (default: %(default)s)")
    parser.add_argument("--size", type=int, default=96, help="rows and columns in pixels (default: %(default)s)")
    parser.add_argument("--bands", type=int, default=64, help="bands over 400-2400 nm (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another scene (default: %(default)s)")
    args = parser.parse_args()
    scene = simulate_scene(height=args.size, width=args.size, bands=args.bands, seed=args.seed)
    cube, labels = write_scene(scene, args.out)
    print(f"cube:   {cube}")
    print(f"labels: {labels}")
    print("This scene is SIMULATED: figures measured on it show that the software works, not how good a method is.")


if __name__ == "__main__":
    run(main)
