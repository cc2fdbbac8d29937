"""Fetch a public data set into the data folder, or check one that is there."""

import argparse
import sys
from pathlib import Path

from mmhsi.cli.command import run, tool_parser

WIDE = 160


def parse_args() -> argparse.Namespace:
    """What to fetch, from where, and where to."""
    parser = tool_parser(__doc__, "mmhsi download_dataset houston2018 --root data")
    parser.add_argument("name", nargs="?", help="data set, as --list shows it")
    parser.add_argument("--root", type=Path, help="data folder (default: the environment's MMHSI_DATA, else data)")
    parser.add_argument("--list", action="store_true", help="show all data sets and exit")
    parser.add_argument("--check", action="store_true", help="fetch nothing; say which files are missing or wrong")
    parser.add_argument("--url-base", help="mirror that holds the files under their names below the data folder")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds without data (default: %(default)s)")
    args = parser.parse_args()
    if args.list == (args.name is not None):
        parser.error("give either the name of a data set or --list")
    return args


def show_list() -> None:
    """Print a table of the catalogue, on a narrow terminal of what fits on one line each."""
    from rich.console import Console
    from rich.table import Table

    from mmhsi.datasets.catalogue.table import COLUMNS, rows

    # Where nothing but a file or a pipe reads it, no line may be cut to a terminal's width.
    console = Console(width=None if sys.stdout.isatty() else WIDE)
    left_out = () if console.width >= WIDE else ("data set", "form", "sensor")
    shown = [index for index, column in enumerate(COLUMNS) if column not in left_out]
    table = Table(*(COLUMNS[index] for index in shown), box=None, pad_edge=False)
    for row in rows():
        table.add_row(*(row[index] for index in shown))
    console.print(table)


def main() -> None:
    """List, check or fetch."""
    args = parse_args()
    if args.list:
        show_list()
        return
    from mmhsi.cli.console import end_waiting
    from mmhsi.datasets.download import DownloadError, NotPublicError, download_dataset
    from mmhsi.datasets.download.dataset import default_root
    from mmhsi.datasets.layout import check_layout

    root = args.root or Path(default_root())
    problems = check_layout(args.name, root)
    if not args.check:
        end_waiting()  # the download has a bar of its own
        try:
            download_dataset(args.name, root, args.url_base, args.timeout)
        except NotPublicError:
            if problems:
                raise
        problems = check_layout(args.name, root)
    for problem in problems[1:]:
        sys.stderr.write(f"{problem}\n")
    if problems:
        raise DownloadError(f"{args.name} is not complete: {problems[0]}")
    print(f"{args.name}: all files are in place under {root}")


if __name__ == "__main__":
    run(main)
