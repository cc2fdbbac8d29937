"""Styles that QGIS finds beside a raster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mmhsi.io.files import replacing, writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

_BEGIN = "<!DOCTYPE qgis>\n"
"""QGIS itself names the document's type as well."""


def write_style(
    path: str | PathLike[str], ids: Sequence[int], names: Sequence[str], palette: Sequence[Sequence[int]]
) -> Path:
    """Write colours and names of a class map as ``NAME.qml``, which QGIS reads when it opens ``NAME.tif``.

    A style that somebody else has made stays.

    Args:
        path: The map.
        ids: Value of each class in it.
        names: Its name.
        palette: Its red, green and blue, 0 to 255.

    Returns:
        The file.

    Raises:
        DataError: It cannot be written.
    """
    root = ElementTree.Element("qgis", version="3.22", styleCategories="Symbology")
    pipe = ElementTree.SubElement(root, "pipe")
    renderer = ElementTree.SubElement(pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1")
    entries = ElementTree.SubElement(renderer, "colorPalette")
    for value, name, (red, green, blue) in zip(ids, names, palette, strict=True):
        colour = f"#{red:02x}{green:02x}{blue:02x}"
        ElementTree.SubElement(entries, "paletteEntry", value=str(value), label=name, color=colour, alpha="255")
    style = Path(path).with_suffix(".qml")
    if is_own_style(style):
        with replacing(style) as temporary:
            temporary.write_text(f"{_BEGIN}{ElementTree.tostring(root, encoding='unicode')}\n", encoding="utf-8")
    return style


def is_own_style(path: Path) -> bool:
    """Whether a style is as :func:`write_style` writes it, or there is none.

    Args:
        path: The style, ``NAME.qml``.
    """
    with writing(path):
        if not path.is_file():
            return not path.is_symlink()
        with path.open("rb") as file:
            return file.read(len(_BEGIN)) == _BEGIN.encode()
