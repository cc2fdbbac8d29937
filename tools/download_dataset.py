"""Fetch a public data set into the data folder, or check one that is there.

Usage: python tools/download_dataset.py NAME [--root data] [--check] [--url-base URL]; --list shows all names.
"""

import argparse
import sys
from pathlib import Path

from mmhsi.cli.command import run, tool_parser


def parse_args() -> argparse.Namespace:
    """What to fetch, from where, and where to."""
    parser = tool_parser("Fetch a public data set, or check one that is there.")
    parser.add_argument("name", nargs="?", help="data set, as --list shows it")
    parser.add_argument("--root", type=Path, default=Path("data"), help="data folder (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="show all data sets and exit")
    parser.add_argument("--check", action="store_true", help="fetch nothing; say which files are missing or wrong")
    parser.add_argument("--url-base", help="mirror that holds the files under their names below the data folder")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds without data (default: %(default)s)")
    args = parser.parse_args()
    if args.list == (args.name is not None):
        parser.error("give either the name of a data set or --list")
    return args


def show_list() -> None:
    """Print a table of the catalogue."""
    from rich.console import Console
    from rich.table import Table

    from mmhsi.datasets.catalogue.table import COLUMNS, rows

    table = Table(*COLUMNS, box=None)
    for row in rows():
        table.add_row(*row)
    # Where nothing but a file or a pipe reads it, no line may be cut to a terminal's width.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def main() -> None:
    """List, check or fetch."""
    args = parse_args()
    if args.list:
        show_list()
        return
    from mmhsi.datasets.download import DownloadError, NotPublicError, download_dataset
    from mmhsi.datasets.layout import check_layout

    if not args.check:
        try:
            download_dataset(args.name, args.root, args.url_base, args.timeout)
        except NotPublicError:
            if check_layout(args.name, args.root):
                raise
    problems = check_layout(args.name, args.root)
    for problem in problems[1:]:
        sys.stderr.write(f"{problem}\n")
    if problems:
        raise DownloadError(f"{args.name} is not complete: {problems[0]}")
    print(f"{args.name}: all files are in place under {args.root}")


if __name__ == "__main__":
    run(main)
