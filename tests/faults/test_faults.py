"""Some points of every command that writes state; all of them by hand with every_point.py."""

import os
import shutil
import subprocess
import sys

import pytest
from faults.power import PowerCut, restore
from processes import run_command
from scripts import REPOSITORY

POINTS = 4


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("cc"), reason="needs Linux and a compiler")
def test_commands_recover_from_faults_kills_and_power_cuts():
    script = REPOSITORY / "tests/faults/every_point.py"
    paths = os.pathsep.join(str(REPOSITORY / name) for name in ("", "tests", "benchmarks"))
    result = run_command([sys.executable, script, "--points", POINTS], env=dict(os.environ, PYTHONPATH=paths))
    assert result.returncode == 0, result.stdout + result.stderr[-2000:]
    rows = [line for line in result.stdout.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 4 * 3
    assert all(int(row.split("|")[-3]) >= 1 for row in rows)


CARELESS = """
import os, pickle, sys
from pathlib import Path
from faults.power import PowerCut
folder = Path(sys.argv[1])
cut = PowerCut(folder)
cut.watch()
(folder / "new.tmp").write_bytes(b"new")
if "sync" in sys.argv:
    descriptor = os.open(folder / "new.tmp", os.O_RDONLY)
    os.fsync(descriptor)
os.replace(folder / "new.tmp", folder / "name")
if "folder" in sys.argv:
    os.fsync(os.open(folder, os.O_RDONLY))
os.unlink(folder / "other")
sys.stdout.write(repr([sorted(state.items()) for state in cut.states.values()]))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds files by /proc")
def test_what_nobody_waited_for_is_lost(tmp_path):
    """By hand: an old file that is replaced, and another that is removed afterwards."""
    paths = os.pathsep.join(str(REPOSITORY / name) for name in ("", "tests"))

    def states(*words):
        shutil.rmtree(tmp_path / "w", ignore_errors=True)
        (tmp_path / "w").mkdir()
        for name in ("name", "other"):
            (tmp_path / "w" / name).write_bytes(b"old")
        command = [sys.executable, "-c", CARELESS, str(tmp_path / "w"), *words]
        found = subprocess.run(command, env=dict(os.environ, PYTHONPATH=paths), capture_output=True, check=True)
        return [dict(state) for state in eval(found.stdout.decode())]

    assert {"name": b"", "other": b"old"} in states()  # a new name of nothing
    synced = states("sync")
    assert {"name": b"", "other": b"old"} not in synced
    assert {"name": b"new", "other": b"old"} in synced
    assert {"name": b"old", "other": b"old"} in synced
    assert {"name": b"new", "other": b"old"} in states("sync", "folder")


def test_a_state_is_written_as_it_was_kept(tmp_path):
    files = {"a": None, "a/b": b"1", "c": b""}
    restore(files, tmp_path)
    assert {path.name: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")} == {
        "a": True,
        "b": b"1",
        "c": b"",
    }
    assert PowerCut(tmp_path)._lost(tmp_path.stat().st_ino) == files
