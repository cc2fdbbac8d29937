"""Products of a GeoTIFF with an XML file beside it, as DLR's processors write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from numpy.typing import NDArray


def numbers_of(elements: list[Element], tag: str, file: Path) -> NDArray[np.float64]:
    """One number of each band.

    Args:
        elements: One a band.
        tag: Of the number.
        file: The XML file, for messages.

    Raises:
        FileFormatError: A number is missing.
    """
    try:
        return np.array([float(element.findtext(tag) or "") for element in elements])
    except ValueError:
        raise FileFormatError(
            f"{file}: a band has no number {tag}; the metadata are damaged or of another kind"
        ) from None


def channels(root: Element, tag: str) -> list[int]:
    """Channel numbers, from 1, of a list such as ``1,2,3``; empty where there is none.

    Args:
        root: Of the XML file.
        tag: Path of the element.
    """
    return [int(word) for word in (root.findtext(tag) or "").replace(",", " ").split() if word.isdecimal()]
