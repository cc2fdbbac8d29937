"""mmengine's optimisers come without transformers, and with its optimiser."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest
from processes import run_command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed"),
]

WAYS_IN = """
import importlib, os, sys
import mmhsi.datasets, torch.distributed.fsdp  # what all share, once

for name in sys.argv[1:]:
    if not os.fork():
        importlib.import_module(name)
        print(name, *sorted({"transformers", "peft", "mmpretrain.models"} & set(sys.modules)), flush=True)
        os._exit("mmengine.optim" not in sys.modules)
    assert os.wait()[1] == 0, name
"""
ADAFACTOR = """
import sys
import mmhsi.models
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch.nn import Linear

assert not {"transformers", "peft"} & set(sys.modules)
built = []
for scope in ("mmhsi", "mmengine"):
    with DefaultScope.overwrite_default_scope(scope):
        wrapper = dict(optimizer=dict(type="Adafactor", lr=0.25, relative_step=False))
        built.append(build_optim_wrapper(Linear(3, 2), wrapper).optimizer)
import transformers

assert [type(each) for each in built] == [transformers.Adafactor] * 2
assert [each.param_groups[0]["lr"] for each in built] == [0.25] * 2
assert transformers.AutoModel
"""
BEFORE = """
import transformers
import mmhsi.models
from mmengine.registry import OPTIMIZERS

assert OPTIMIZERS.get("Adafactor") is transformers.Adafactor
"""


def python(code: str, *arguments: str) -> str:
    """Run code in a process of its own and give what it prints."""
    done = run_command([sys.executable, "-c", code, *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_way_in_imports_transformers() -> None:
    ways = ["models", "engine", "inference.scene_inferencer", "estimator.classifier", "cli.run_lines", "cli.preload"]
    names = [f"mmhsi.{way}" for way in ways]
    assert python(WAYS_IN, *names).splitlines() == names


def test_a_config_may_name_the_optimiser_of_transformers() -> None:
    python(ADAFACTOR)


def test_a_transformers_that_was_imported_before_is_left_to_mmengine() -> None:
    python(BEFORE)
