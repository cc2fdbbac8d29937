"""Run a command of the package from anywhere: mmhsi TOOL [ARGUMENTS], or python -m mmhsi TOOL [ARGUMENTS]."""

import argparse
import runpy
import sys

from mmhsi.cli.command import run
from mmhsi.cli.commands import find_tools, overview
from mmhsi.cli.console import show_own_warnings


def main() -> None:
    """Run the command that the first argument names with all other arguments."""
    tools = find_tools()
    parser = argparse.ArgumentParser(
        prog="mmhsi",
        usage="mmhsi TOOL [ARGUMENTS]",
        epilog=f"{overview()}\n\nmmhsi TOOL --help shows a command's options and an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("tool", choices=tools, metavar="TOOL", help="one of the commands below")
    name = parser.parse_args(sys.argv[1:2]).tool
    sys.argv = [f"mmhsi {name}", *sys.argv[2:]]
    if "--verbose" not in sys.argv:
        show_own_warnings()  # before the command imports the libraries that would warn
    run(runpy.run_path(str(tools[name]))["main"])


if __name__ == "__main__":
    main()
