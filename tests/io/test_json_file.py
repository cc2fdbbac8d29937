"""JSON that others wrote: what it holds, or one line."""

import pytest

from mmhsi.errors import DataError
from mmhsi.io.json_file import read_json


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
