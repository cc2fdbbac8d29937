"""Some mutants of every reader's files; thousands more by hand with mutate.py."""

import pytest
from fuzz.mutants import TARGETS
from fuzz.mutate import run


@pytest.mark.parametrize(("most", "seconds"), [(250, 4), pytest.param(1500, 12, marks=pytest.mark.slow)])
@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_mutants(target, most, seconds):
    counts, faults = run(target, most, seed=1, seconds=seconds)
    assert not faults, faults[:3]
    assert counts["refused"] > most // 75
    assert counts["result"] > most // 150
