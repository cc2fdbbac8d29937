"""Some mutants of every reader's files; thousands more by hand with mutate.py."""

import pytest
from fuzz.mutants import TARGETS
from fuzz.mutate import run

COUNT, SECONDS = 1500, 12


@pytest.mark.parametrize("target", list(TARGETS))
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_mutants(target):
    counts, faults = run(target, COUNT, seed=1, seconds=SECONDS)
    assert not faults, faults[:3]
    assert counts["refused"] > 20
    assert counts["result"] > 10
