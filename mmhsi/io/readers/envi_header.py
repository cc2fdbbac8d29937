"""The text of an ENVI header, as the file itself has it and not as a sidecar changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mmhsi.errors import FileFormatError
from mmhsi.io.doubts import doubt

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST = 64 << 20


def read_envi_header(header: Path) -> dict[str, str]:
    """Read a header.

    Args:
        header: The .hdr file.

    Returns:
        The values by name, in lower case with ``_`` for spaces; lists with their braces.

    Raises:
        FileFormatError: It is larger than any header.
    """
    size = header.stat().st_size
    if size > _LARGEST:
        raise FileFormatError(f"{header}: {size} bytes of ENVI header; expected at most {_LARGEST}")
    fields: dict[str, str] = {}
    lines = iter(header.read_bytes().decode("utf-8", errors="replace").splitlines())
    for line in lines:
        name, equals, value = line.partition("=")
        if not equals:
            continue
        parts = [value.strip()]
        if parts[0].startswith("{"):
            while "}" not in parts[-1] and (more := next(lines, None)) is not None:
                parts.append(more.strip())
        key, text = "_".join(name.split()).lower(), " ".join(parts)
        if fields.get(key, text) != text:
            doubt(header, f"{key} twice", f"says {name.strip()!r} twice; the last one counts")
        fields[key] = text
    return fields
