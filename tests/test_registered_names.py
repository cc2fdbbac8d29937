"""What is registered is spelled as in the sister packages: ``CenterCrop``, ``Normalize``, ``ColorJitter``."""

import importlib
import inspect
import re
import sys

import pytest
from processes import run_command

from mmhsi import registry
from mmhsi.cli.commands import find_tools, parser_of
from mmhsi.utils import register_all_modules

BRITISH = re.compile(
    r"(?i:centre|colour|grey|neighbour|labelled|vapour)|(?i:(al|ar|ard|or|ol)is(e|ed|er|ation))(?![a-z])"
)


@pytest.fixture(scope="module")
def registered() -> dict[str, type]:
    register_all_modules(init_default_scope=False)
    importlib.import_module("mmhsi.models.decode_heads")  # which comes when it is asked for
    tables = [table for table in vars(registry).values() if isinstance(table, registry.Registry)]
    return {name: module for table in tables for name, module in table.module_dict.items()}


def test_names_are_american(registered: dict[str, type]) -> None:
    assert len(registered) > 150
    assert [name for name in registered if BRITISH.search(name)] == []


def test_arguments_and_their_values_are_american(registered: dict[str, type]) -> None:
    for name, module in registered.items():
        for argument in inspect.signature(module).parameters.values():
            assert not BRITISH.search(f"{argument.name}={argument.default}"), f"{name}({argument})"
        quoted = re.findall(r"``['\"](\w+)['\"]``", inspect.getdoc(module) or "")
        assert [value for value in quoted if BRITISH.search(value)] == [], name


def test_options_are_american() -> None:
    for name in find_tools():
        parser, _ = parser_of(name)
        options = [option for action in parser._actions for option in action.option_strings]
        assert [option for option in options if BRITISH.search(option)] == [], name


@pytest.mark.parametrize(
    "name",
    [
        "CentreContext",
        "Standardise",
        "Solarise",
        "LinearisedMap",
        "ColourJitter",
        "mark_centre",
        "centres",
        "normalised",
    ],
)
def test_others_are_found(name: str) -> None:
    assert BRITISH.search(name)


ON_DEMAND = """
import sys
from mmhsi.registry import MODELS

for name, there in (("HSIViT", False), ("GELU", False), ("mmpretrain.GlobalAveragePooling", False), ("UNetHead", True)):
    assert MODELS.get(name).__name__ == name.rpartition(".")[2]
    assert ("mmseg.models" in sys.modules) == there, name
"""


def test_models_of_mmseg_are_imported_when_something_of_them_is_asked_for() -> None:
    ended = run_command([sys.executable, "-c", ON_DEMAND])
    assert ended.returncode == 0, ended.stderr
