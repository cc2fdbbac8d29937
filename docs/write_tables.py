"""Write the tables of docs/how_it_works.md and docs/datasets.md: the commands' own help, and the catalogue."""

from pathlib import Path

from mmhsi.cli.commands import find_tools, grouped, parser_of, purpose
from mmhsi.datasets.catalogue import CATALOGUE
from mmhsi.datasets.catalogue.table import COLUMNS, rows

FOLDER = Path(__file__).parent


def commands_table() -> str:
    """All commands, a table a group."""
    tools = find_tools()
    lines = []
    for group, names in grouped(tools).items():
        lines += ["", f"**{group}**", "", "| command | what it does | options |", "| --- | --- | --- |"]
        for name in names:
            parser, _ = parser_of(name)
            taken = [action for action in parser._actions if action.dest not in ("help", "debug", "verbose")]
            places = [str(action.metavar or action.dest).upper() for action in taken if not action.option_strings]
            options = [action.option_strings[0] for action in taken if action.option_strings]
            cells = (" ".join(["mmhsi", name, *places]), purpose(tools[name]), " ".join(options))
            lines.append(f"| `{cells[0]}` | {cells[1]} | {f'`{cells[2]}`' if cells[2] else ''} |")
    return "\n".join(lines[1:]) + "\n"


def datasets_table() -> str:
    """The data sets, then one line each on what to know about it."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join((f"`{row[0]}`", *row[1:])) + " |" for row in rows()]
    lines += ["", "Sources and caveats:", ""]
    for name, info in CATALOGUE.items():
        said = [info.citation, f"Split: {info.split_rule}" if info.split_rule else "", info.caveat, info.license]
        page = f" <{info.homepage}>" if info.homepage else ""
        lines.append(f"- `{name}`: " + " ".join(f"{part.rstrip('.')}." for part in said if part) + page)
    return "\n".join(lines) + "\n"


TABLES = {"how_it_works.md": commands_table, "datasets.md": datasets_table}


def written(name: str) -> str:
    """A page with the table as it should be.

    Args:
        name: One of :data:`TABLES`.
    """
    begin, end = "<!-- written by docs/write_tables.py -->\n", "<!-- end of what was written -->\n"
    before, _, rest = (FOLDER / name).read_text(encoding="utf-8").partition(begin)
    return f"{before}{begin}\n{TABLES[name]()}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    for page in TABLES:
        (FOLDER / page).write_text(written(page), encoding="utf-8")
