"""Print the catalogue as the Markdown table of docs/datasets.md."""

from mmhsi.cli.command import run, tool_parser
from mmhsi.datasets.catalogue import CATALOGUE
from mmhsi.datasets.catalogue.table import COLUMNS, rows


def markdown() -> str:
    """The table, then one line a data set on what to know about it."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join((f"`{row[0]}`", *row[1:])) + " |" for row in rows()]
    lines += ["", "Sources and caveats:", ""]
    for name, info in CATALOGUE.items():
        said = [info.citation, f"Split: {info.split_rule}" if info.split_rule else "", info.caveat, info.license]
        page = f" <{info.homepage}>" if info.homepage else ""
        lines.append(f"- `{name}`: " + " ".join(f"{part.rstrip('.')}." for part in said if part) + page)
    return "\n".join(lines)


def main() -> None:
    """Print it."""
    tool_parser(__doc__, "mmhsi dataset_table").parse_args()
    print(markdown())


if __name__ == "__main__":
    run(main)
