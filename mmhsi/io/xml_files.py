"""XML that comes with data: parsed without entities, document types or endless text."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mmhsi.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 16 << 20


def read_xml(path: Path) -> ElementTree.Element:
    """Read an XML file.

    Args:
        path: The file.

    Returns:
        Its root.

    Raises:
        FileFormatError: It is larger than 16 MB, not well-formed, or has a document type, which could define entities.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise FileFormatError(f"{path}: {size} bytes of XML; expected at most {_LARGEST}")
    text = path.read_bytes()
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise FileFormatError(f"{path}: XML with a document type is not read")
    if text[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in text[:64]:
        raise FileFormatError(f"{path}: XML of 16 bits a letter is not read; expected UTF-8")  # it would hide the words
    try:
        return ElementTree.fromstring(text)  # noqa: S314, without a document type nothing expands
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise FileFormatError(f"{path}: is no well-formed XML ({error})") from error
