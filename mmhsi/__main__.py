"""Run a tool of the package from anywhere: mmhsi TOOL [ARGUMENTS], or python -m mmhsi TOOL [ARGUMENTS]."""

import argparse
import runpy
import sys
from pathlib import Path

from mmhsi.carried import carried_folder
from mmhsi.cli.command import run

TOOLS = carried_folder(Path(__file__).parent, "tools")


def main() -> None:
    """Run the tool that the first argument names with all other arguments."""
    tools = {path.stem: path for path in sorted(TOOLS.rglob("*.py"))}
    parser = argparse.ArgumentParser(prog="mmhsi", description=__doc__, epilog="mmhsi TOOL --help shows its arguments.")
    parser.add_argument("tool", choices=tools, metavar="TOOL", help=", ".join(tools))
    name = parser.parse_args(sys.argv[1:2]).tool
    sys.argv = [f"mmhsi {name}", *sys.argv[2:]]
    run(runpy.run_path(str(tools[name]))["main"])


if __name__ == "__main__":
    main()
