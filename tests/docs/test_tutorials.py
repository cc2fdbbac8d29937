"""The tutorials run, on simulated scenes and with little time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from scripts import load_script

WRITER = load_script("docs/write_notebooks.py")
TUTORIALS = {path.stem: path for path in WRITER.tutorials()}
LARGEST = 400_000
"""Bytes of a notebook with what it shows."""


def plain(notebook):
    """Its cells without what they show."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]


def test_cells_of_a_script():
    cells = WRITER.as_notebook(
        "# %% [markdown]\n# # Title\n#\n# Text.\n# %%\nvalue = 1  # one\n\nvalue\n# %%\nprint(2)\n"
    ).cells
    assert [(cell.cell_type, cell.source) for cell in cells] == [
        ("markdown", "# Title\n\nText."),
        ("code", "value = 1  # one\n\nvalue"),
        ("code", "print(2)"),
    ]


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_notebook_is_that_of_its_script_and_was_run(name):
    path = TUTORIALS[name].with_suffix(".ipynb")
    found = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(nbformat.read(path, as_version=4))
    again = f"run: python docs/write_notebooks.py {name}"
    assert plain(found) == plain(WRITER.as_notebook(TUTORIALS[name].read_text(encoding="utf-8"))), again
    numbers = [cell["execution_count"] for cell in found["cells"] if cell["cell_type"] == "code"]
    assert numbers == list(range(1, len(numbers) + 1)), again
    assert path.stat().st_size < LARGEST
    shown = json.dumps(found)
    assert not re.search(r"/tmp/|/home/|/work/", shown), "a folder of the machine that ran it"


@pytest.mark.slow
@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_runs_on_simulated_scenes(name, tmp_path):
    script = TUTORIALS[name].read_text(encoding="utf-8")
    script = re.sub(r"max_epochs=\d+", "max_epochs=1", script)
    script = re.sub(r"epoch_\d+\.pth", "epoch_1.pth", script)
    script = re.sub(r"minutes=\d+", "minutes=0.3", script)
    (tmp_path / f"{name}.py").write_text(script, encoding="utf-8")
    folders = [str(WRITER.FOLDER), str(WRITER.FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(folders), OMP_NUM_THREADS="1")
    environment.pop("MMHSI_SHARED_DATA", None)
    done = subprocess.run(
        [sys.executable, str(tmp_path / f"{name}.py")],
        cwd=Path(WRITER.FOLDER),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
