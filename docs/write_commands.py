"""Write the table of commands in docs/how_it_works.md from the commands' own help."""

from pathlib import Path

from mmhsi.cli.commands import commands_table

PAGE = Path(__file__).parent / "how_it_works.md"
BEGIN, END = "<!-- commands: written by docs/write_commands.py -->\n", "<!-- end of commands -->\n"


def page() -> str:
    """The page with the table as it should be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{commands_table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
