"""Every package that names what is public stands in the API reference."""

import re

from doc_blocks import ROOT

REFERENCE = "".join(path.read_text() for path in (ROOT / "docs/api").glob("*.md"))
# What they name is shown where the package above, or the packages below, name it.
SHOWN_ELSEWHERE = {
    "mmhsi",
    "mmhsi.io.readers",
    "mmhsi.models",
    "mmhsi.models.backbones.comparison",
}


def test_all_packages_are_shown():
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for path in (ROOT / "mmhsi").rglob("__init__.py")
        if "__all__" in path.read_text()
    }
    assert packages - SHOWN_ELSEWHERE <= set(re.findall(r"automodule:: (\S+)", REFERENCE))
