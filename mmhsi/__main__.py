"""Run a command of the package from anywhere: mmhsi TOOL [ARGUMENTS], or python -m mmhsi TOOL [ARGUMENTS]."""

import argparse
import runpy
import sys

from mmhsi.arguments import nearest
from mmhsi.cli.command import run
from mmhsi.cli.commands import find_tools, overview
from mmhsi.cli.console import print_error, show_own_warnings


def main() -> None:
    """Run the command that the first argument names with all other arguments."""
    tools = find_tools()
    parser = argparse.ArgumentParser(
        prog="mmhsi",
        usage="mmhsi TOOL [ARGUMENTS]",
        epilog=f"{overview()}\n\nmmhsi TOOL --help shows a command's options and an example.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("tool", choices=tools, metavar="TOOL", help="one of the commands below")
    given = sys.argv[1:2]
    if given and not given[0].startswith("-") and given[0] not in tools:
        print_error(f"mmhsi has no command {given[0]!r}{nearest(given[0], tools)}; mmhsi --help lists them")
        raise SystemExit(2)
    name = parser.parse_args(given).tool
    sys.argv = [f"mmhsi {name}", *sys.argv[2:]]
    if "--verbose" not in sys.argv:
        show_own_warnings()  # before the command imports the libraries that would warn
    run(runpy.run_path(str(tools[name]))["main"])


if __name__ == "__main__":
    main()
