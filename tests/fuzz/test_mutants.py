"""Some mutants of every reader's files; thousands more by hand with mutate.py."""

import pytest
from fuzz.mutants import TARGETS
from fuzz.mutate import run


@pytest.mark.parametrize("count", [100, pytest.param(1500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_mutants(target, count):
    counts, faults = run(target, count, seed=1, seconds=12)
    assert not faults, faults[:3]
    assert counts["refused"] > count // 75
    assert counts["result"] >= count // 150
