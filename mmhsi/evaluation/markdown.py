"""Texts of others in tables of Markdown."""

from __future__ import annotations

import re

from mmhsi.errors import one_line


def cell(text: object) -> str:
    r"""A text as a cell shows it: nothing in it ends the cell, or is a link, a tag or emphasis.

    Args:
        text: Any value, such as a class name.

    Example:
        >>> print(cell("oak | beech [x](y)"))
        oak \| beech \[x](y)
    """
    return re.sub(r"([\\|<\[*`])", r"\\\1", one_line(str(text)))
