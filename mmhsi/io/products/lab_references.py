"""Which files are the dark and the white reference of a lab camera's raw file, by the names that cameras give them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.cube_options import NO_REFERENCE
from mmhsi.io.files import existing_file, reading

if TYPE_CHECKING:
    from mmhsi.io.cube_options import CubeOptions

_PREFIXES = ("WHITEREF_", "DARKREF_", "WHITEDARKREF_")
_HEADWALL = ("WHITEREFERENCE", "DARKREFERENCE")
_CAPTURE = "capture"


@dataclass(frozen=True)
class References:
    """Files of references, None for one that is missing.

    Attributes:
        dark: Of the raw file.
        white: The white panel.
        white_dark: Dark reference of the white panel, where it has one of its own.
    """

    dark: Path | None
    white: Path | None
    white_dark: Path | None = None


def capture_in(path: str | os.PathLike[str]) -> Path | None:
    """The header of the raw file in a folder of Specim's recorder, which has ``capture/`` in it or is that.

    Args:
        path: What the user named.

    Returns:
        The header; None where it is no such folder.

    Raises:
        FileFormatError: It holds several captures.
    """
    folder = Path(os.fspath(path))
    if not os.path.isdir(folder):  # noqa: PTH112, Path raises where a name is too long or a folder closed
        return None
    inner = folder if folder.name == _CAPTURE else folder / _CAPTURE
    if not inner.is_dir():
        return None
    with reading(folder, "cannot be looked at"):
        headers = sorted(file for file in inner.glob("*.hdr") if not file.name.upper().startswith(_PREFIXES))
    if len(headers) > 1:
        raise FileFormatError(
            f"{folder}: holds {len(headers)} captures; name one of {', '.join(file.name for file in headers[:6])}"
        )
    return headers[0] if headers else None


def is_reference(file: Path) -> bool:
    """Whether a file is a reference itself, by its name.

    Args:
        file: The file, or its header.
    """
    return file.stem.upper().startswith((*_PREFIXES, *_HEADWALL))


def find_references(raw: Path, options: CubeOptions) -> References | None:
    """The references of a raw file, by the options or by the names of the files beside it.

    A white reference that is named is a capture of its own: the dark reference beside it, by the same names, is its. In
    a folder of a capture with a white reference that one is meant, else the capture, of a white panel, itself.

    Args:
        raw: The file, or its header.
        options: ``dark`` and ``white`` count here.

    Returns:
        The files; None where values are to stay as they are.

    Raises:
        FileFormatError: A file that was named does not exist.
        DataError: A dark reference was named, but there is no white one.
    """
    if options.white == NO_REFERENCE:
        return None
    found = _beside(raw)
    if options.white is None:
        if options.dark is not None:
            dark = existing_file(options.dark)
            if found.white is None:
                raise DataError(f"{raw}: dark={options.dark!r} without a white reference; name it with white=")
            return References(dark, found.white, found.white_dark)
        if found.white is None or found.dark is None:
            return None  # a white panel alone is no pair of references
        return found
    capture = capture_in(options.white)
    white = existing_file((capture and _beside(capture).white) or capture or options.white)
    if options.dark is not None:  # what is named is what counts, for both
        return References(existing_file(options.dark), white)
    own = _of_white(white)
    return References(found.dark or own, white, own)


def _header(folder: Path, stem: str) -> Path | None:
    """A header of this name, if there is one."""
    header = folder / f"{stem}.hdr"
    return header if header.is_file() else None


def _beside(raw: Path) -> References:
    """Specim's and Headwall's names, in any folder that holds both."""
    stem = raw.stem
    if stem.upper().startswith(_PREFIXES):
        return References(None, None)
    white = _header(raw.parent, f"WHITEREF_{stem}")
    dark = _header(raw.parent, f"DARKREF_{stem}")
    if white is not None or dark is not None:
        return References(dark, white, _header(raw.parent, f"WHITEDARKREF_{stem}"))
    if stem.lower().startswith("raw"):
        return References(_header(raw.parent, "darkReference"), _header(raw.parent, "whiteReference"))
    return References(None, None)


def _of_white(white: Path) -> Path | None:
    """The dark reference that lies beside a white one."""
    stem = white.stem
    if stem.upper().startswith("WHITEREF_"):
        stem = stem[len("WHITEREF_") :]
        return _header(white.parent, f"WHITEDARKREF_{stem}") or _header(white.parent, f"DARKREF_{stem}")
    if stem.lower() == "whitereference":
        return _header(white.parent, "darkReference")
    return _header(white.parent, f"DARKREF_{stem}")
