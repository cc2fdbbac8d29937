"""yapf imported while another process is writing its grammar, in processes and a cache of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from processes import SECONDS

if TYPE_CHECKING:
    from pathlib import Path

OURS = "import runpy; runpy.run_path('mmhsi/engine/formatter.py')['import_formatter'](); print('imported')"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}


@pytest.fixture
def grammar(repository: Path, tmp_path: Path, environment: dict[str, str]) -> Path:
    """The smaller of yapf's two files, of which nothing is there before it is closed."""
    subprocess.run([sys.executable, "-c", OURS], cwd=repository, env=environment, check=True)
    return next(tmp_path.rglob("Pattern*.pickle"))


def test_waits_until_the_grammar_is_whole(repository: Path, environment: dict[str, str], grammar: Path) -> None:
    whole = grammar.read_bytes()
    grammar.write_bytes(b"")
    plain = [sys.executable, "-c", "import yapf.yapflib.yapf_api"]
    assert "EOFError" in subprocess.run(plain, env=environment, capture_output=True, text=True).stderr
    process = subprocess.Popen([sys.executable, "-c", OURS], cwd=repository, env=environment, stdout=subprocess.PIPE)
    time.sleep(0.5)
    grammar.write_bytes(whole)
    assert process.communicate(timeout=SECONDS)[0].split() == [b"imported"]


def test_a_grammar_that_stays_half_written_is_told(
    repository: Path, environment: dict[str, str], grammar: Path
) -> None:
    grammar.write_bytes(grammar.read_bytes()[:100])
    result = subprocess.run(
        [sys.executable, "-c", OURS], cwd=repository, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "UnpicklingError" in result.stderr
