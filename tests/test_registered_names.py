"""What is registered is spelled as in the sister packages: ``CenterCrop``, ``Normalize``, ``ColorJitter``."""

import importlib
import re

import pytest

from mmhsi import registry
from mmhsi.utils import register_all_modules

BRITISH = re.compile(r"Centre|(al|ar|ard|or|ol)is(e|ed|er|ation)(?![a-z])|Colour|Grey|Neighbour|Labelled")


def test_names_are_american() -> None:
    register_all_modules(init_default_scope=False)
    importlib.import_module("mmhsi.models.decode_heads")  # which comes when it is asked for
    tables = [table for table in vars(registry).values() if isinstance(table, registry.Registry)]
    names = {name for table in tables for name in table.module_dict}
    assert len(names) > 150
    assert [name for name in names if BRITISH.search(name)] == []


@pytest.mark.parametrize(
    "name", ["CentreContext", "Standardise", "Solarise", "NormalisedProfiles", "LinearisedMap", "ColourJitter"]
)
def test_others_are_found(name: str) -> None:
    assert BRITISH.search(name)
