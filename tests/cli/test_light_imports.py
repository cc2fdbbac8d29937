"""Imports that a command does without."""

from __future__ import annotations

import sys

import pytest
from processes import run_command

LIGHT = """
import sys
from mmhsi.cli.light_imports import import_mmengine
import_mmengine()
import mmengine.model
assert "transformers" not in sys.modules
import transformers
import_mmengine()
assert sys.modules["transformers"] is transformers
"""


@pytest.mark.slow
def test_mmengine_comes_without_transformers_which_can_be_imported_later() -> None:
    pytest.importorskip("transformers", reason="transformers is not installed")
    done = run_command([sys.executable, "-c", LIGHT])
    assert done.returncode == 0, done.stderr
