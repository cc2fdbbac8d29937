"""Run the tutorials in docs/notebooks/*.py, and write them with what they show as notebooks beside them.

A tutorial is a script in cells that begin with ``# %%``, or ``# %% [markdown]`` for text, as editors and Jupytext know
them. Names as arguments run those alone. Real scenes are read from the folder MMHSI_SHARED_DATA.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat

if TYPE_CHECKING:
    from nbformat import NotebookNode

FOLDER = Path(__file__).resolve().parent / "notebooks"
HELPERS = ("scenes",)
SECONDS = 1500


def tutorials() -> list[Path]:
    """The scripts that become notebooks."""
    return sorted(path for path in FOLDER.glob("*.py") if path.stem not in HELPERS)


def as_notebook(script: str) -> NotebookNode:
    """Cells of a script, not yet run.

    Args:
        script: Its text.
    """
    cells = []
    for number, part in enumerate(script.split("# %%")[1:]):
        head, _, body = part.partition("\n")
        if head.strip() == "[markdown]":
            text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
            cell = nbformat.v4.new_markdown_cell(text)
        else:
            cell = nbformat.v4.new_code_cell(body.strip())
        cell["id"] = f"c{number}"  # the same in every run
        cells.append(cell)
    kernel = dict(display_name="Python 3", language="python", name="python3")
    return nbformat.v4.new_notebook(cells=cells, metadata=dict(kernelspec=kernel))


def execute(script: Path) -> NotebookNode:
    """Run a tutorial; what its cells show is kept, what goes to standard error is not.

    Args:
        script: The file.
    """
    from nbclient import NotebookClient

    notebook = as_notebook(script.read_text(encoding="utf-8"))
    os.environ.update(PYTHONWARNINGS="ignore", TQDM_DISABLE="1")
    NotebookClient(notebook, timeout=SECONDS, resources=dict(metadata=dict(path=str(FOLDER)))).execute()
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = [one for one in cell.outputs if one.get("name") != "stderr"]
    return notebook


def without_folders(text: str) -> str:
    """A text without the folders of the machine that it was made on, before the names of files.

    Args:
        text: Of a notebook.
    """
    temporary = re.escape(f"{tempfile.gettempdir()}{os.sep}")
    return re.sub(rf"{temporary}tmp\w+/?", "", text).replace(f"{FOLDER.parents[1]}/", "")


def main() -> None:
    """Run all, or those that are named."""
    for script in tutorials():
        if len(sys.argv) == 1 or script.stem in sys.argv[1:]:
            path = script.with_suffix(".ipynb")
            path.write_text(without_folders(nbformat.writes(execute(script))) + "\n", encoding="utf-8")
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
