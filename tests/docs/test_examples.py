"""The examples in docstrings print what stands below them."""

import doctest
import importlib
import logging
import re

import pytest
from doc_blocks import ROOT

FOUND = sorted(path for path in (ROOT / "mmhsi").rglob("*.py") if re.search(r"^ +>>> ", path.read_text(), re.M))
SLOW = {"mmhsi.estimator.classifier"}
MODULES = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in FOUND]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in MODULES])
def test_examples_print_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMHSI_DATA", raising=False)
    module = importlib.import_module(name)
    logging.disable(logging.INFO)  # that a scene is simulated
    try:
        assert doctest.testmod(module).failed == 0
    finally:
        logging.disable(logging.NOTSET)
