"""What is said of files that are not there."""

import re

import pytest

from mmhsi.errors import FileFormatError
from mmhsi.io.files import existing_file


@pytest.mark.parametrize(
    ("name", "said"),
    [("leave.hdr", "; nearest: 'leaves.hdr'"), ("lewes.hdr", "; nearest: 'leaves.hdr'"), ("other.tif", "")],
)
def test_a_file_that_is_not_there_names_one_of_much_the_same_name(tmp_path, name, said):
    for beside in ("leaves.hdr", "scene.tif"):
        (tmp_path / beside).write_text("x")
    with pytest.raises(FileFormatError, match=re.escape(f"{name}: no such file{said}; expected a cube")):
        existing_file(tmp_path / name, "a cube")
