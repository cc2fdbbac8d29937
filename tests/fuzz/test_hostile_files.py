"""Every hostile file ends in a result or in one line, in bounded memory and time."""

import pytest
from fuzz.corpus import CASES


def test_names_are_different():
    """The server finds a case by its name."""
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_file(case, answer, tmp_path, record_property):
    found = answer(case.name, tmp_path)
    kinds = [kind for _, kind, _ in found["outcomes"]]
    record_property("row", (case.name, found))
    for entry, kind, text in found["outcomes"]:
        assert kind in ("result", "refused"), f"{entry}: {kind}\n{text}"
        if case.refused is not None:
            assert kind == ("refused" if case.refused else "result"), f"{entry}: {text}"
    assert kinds
    assert found["megabytes"] is None or found["megabytes"] <= case.megabytes
