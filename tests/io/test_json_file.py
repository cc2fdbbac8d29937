"""JSON that others wrote: what it holds, or one line."""

import pytest

from mmhsi.errors import DataError
from mmhsi.io.json_file import read_json, read_state, write_state


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "1" * 100_000,
        '{"oa": 1, "kappa": 2, "oa": 3}',
        '[{"a": [{"b": 1, "b": 1}]}]',
        '["\udcff"]',
        "\0",
        " ",
    ],
)
def test_json_that_cannot_be_meant_is_one_line(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=r"report\.json: not a report") as info:
        read_json(path, "a report")
    assert len(str(info.value).splitlines()) == 1
    assert len(str(info.value)) < 400


def test_what_is_right_is_read(tmp_path):
    path = tmp_path / "report.json"
    path.write_text('{"a": {"b": 1}, "b": {"b": 2}}')
    assert read_json(path, "a report") == {"a": {"b": 1}, "b": {"b": 2}}


def test_a_state_of_which_anything_was_changed_is_none(tmp_path):
    path, state = tmp_path / "state.json", {"rows": 12, "names": ["é", "b"], "scale": float("inf"), "of": {"a": None}}
    write_state(path, state)
    assert read_state(path, "a state") == dict(state, scale=None)
    whole = path.read_bytes()
    for index in range(len(whole) - 2):  # behind the closing bracket there is a line's end
        for changed in (whole[:index], whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :]):
            path.write_bytes(changed)
            try:
                found = read_state(path, "a state")
            except DataError:
                continue
            assert found == dict(state, scale=None)  # white space
