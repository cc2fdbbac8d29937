"""Raw ENVI files of lab and field cameras, made reflectance by a dark and a white reference.

``reflectance = (raw − dark) / (white − dark of white)``, each divided by its integration time, column by column of
the sensor, since every pixel of a push-broom detector has a dark current and a gain of its own. The references are
averaged over their lines. Where white is not above dark, a value is NaN.

References that lie beside the raw file are found by the names that cameras give them: Specim's ``WHITEREF_NAME``,
``DARKREF_NAME`` and ``WHITEDARKREF_NAME``, Headwall's ``whiteReference`` and ``darkReference`` beside ``raw…``. Those
of HySpex and Resonon have no fixed names and are given.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.doubts import doubt
from mmhsi.io.files import existing_file
from mmhsi.io.options import NO_REFERENCE, CubeOptions
from mmhsi.io.readers.base import CubeReader
from mmhsi.io.readers.drivers import header_of
from mmhsi.io.readers.envi_header import read_envi_header
from mmhsi.io.readers.raster import RasterReader
from mmhsi.io.readers.raster_metadata import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.selection import Window

_TIMES = ("tint", "integration_time", "shutter", "exposure", "exposure_time")
"""Names that headers have for the integration time, in a unit that is the same in all files of a camera."""
_ROWS = 64
"""Lines of a reference that are in memory at a time."""


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


def find_references(raw: Path, options: CubeOptions) -> References | None:
    """The references of a raw file, by the options or by the names of the files beside it.

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
    dark = found.dark if options.dark is None else existing_file(options.dark)
    white = found.white if options.white is None else existing_file(options.white)
    if white is None:
        if options.dark is not None:
            raise DataError(f"{raw}: dark={options.dark!r} without a white reference; name it with white=")
        return None
    if options.white is None and dark is None:
        return None  # a white panel alone is no pair of references
    return References(dark, white, None if options.white is not None else found.white_dark)


def _beside(raw: Path) -> References:
    """By the cameras' names, in any folder that holds both."""

    def file(stem: str) -> Path | None:
        header = raw.with_name(f"{stem}.hdr")
        return header if header.is_file() and header.stem != raw.stem else None

    stem = raw.stem
    if stem.upper().startswith(("WHITEREF_", "DARKREF_", "WHITEDARKREF_")):
        return References(None, None)
    if (white := file(f"WHITEREF_{stem}")) is not None:
        return References(file(f"DARKREF_{stem}"), white, file(f"WHITEDARKREF_{stem}"))
    if stem.lower().startswith("raw"):
        return References(file("darkReference"), file("whiteReference"))
    return References(None, None)


class ReflectanceReader(CubeReader[None]):
    """A raw file read as reflectance, from 0 to 1 relative to the white panel.

    Args:
        raw: The raw file.
        references: Its references.

    Raises:
        DataError: A reference has other bands or columns than the raw file.
    """

    copies = 4

    def __init__(self, raw: RasterReader, references: References) -> None:
        super().__init__(raw.path)
        self.raw = raw
        self.references = references
        self._dark, self._factor = self._coefficients()

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        files = self.references
        return [*self.raw.files, *(file for file in (files.white, files.dark, files.white_dark) if file is not None)]

    def _coefficients(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Dark (W, C), and what a difference from it is multiplied with."""
        files = self.references
        assert files.white is not None  # find_references sees to it
        white, white_time = self._mean(files.white)
        dark, _ = (np.zeros(1), None) if files.dark is None else self._mean(files.dark)
        white_dark, _ = (dark, None) if files.white_dark is None else self._mean(files.white_dark)
        time = _times(Path(self.path), self.raw.stored.shape[2])
        ratio: NDArray[np.float64] | float = 1.0
        if time is not None and white_time is not None:
            ratio = white_time / time
            if files.white_dark is None and files.dark is not None and not np.allclose(ratio, 1):
                doubt(
                    self.path, "dark", f"its dark reference is also taken for {files.white.name}, exposed differently"
                )
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(white > white_dark, ratio / (white - white_dark), np.nan)
        shape = self.raw.stored.shape[1:]
        return np.broadcast_to(dark, shape).astype(np.float32), np.broadcast_to(factor, shape).astype(np.float32)

    def _mean(self, file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """A reference averaged over its lines, (W, C) or (1, C), and its integration times."""
        with RasterReader(file) as reader:
            height, width, bands = reader.stored.shape
            if bands != self.raw.stored.shape[2] or width not in (1, self.raw.stored.shape[1]):
                raise DataError(
                    f"{file}: a reference of {width} columns and {bands} bands does not fit {self.path} "
                    f"({self.raw.stored.shape[1]} columns, {self.raw.stored.shape[2]} bands)"
                )
            total = np.zeros((width, bands))
            for row in range(0, height, _ROWS):
                part = reader._read_block((row, 0, min(_ROWS, height - row), width), None)
                total += part.sum(axis=0, dtype=np.float64)
        return total / height, _times(file, bands)

    def handle(self) -> None:
        """Nothing is open here; the raw file's own reader opens it."""

    def _open(self) -> None:
        """As :meth:`handle`."""

    def close(self) -> None:
        """Give the file back; a later read opens it again."""
        self.raw.close()

    def _unit_bytes(self) -> int:
        return self.raw._unit_bytes()

    def _describe(self) -> CubeInfo:
        info = self.raw.stored
        return CubeInfo(
            shape=info.shape,
            dtype=np.dtype(np.float32),
            wavelengths=info.wavelengths,
            fwhm=info.fwhm,
            good_bands=info.good_bands,
            crs=info.crs,
            transform=info.transform,
            name=self.path,
        )

    def _read_block(self, window: Window, bands: list[int] | None) -> NDArray:
        raw = self.raw._read_block(window, bands)
        columns = slice(window[1], window[1] + window[3])
        pick: slice | list[int] = slice(None) if bands is None else bands
        dark, factor = self._dark[columns][:, pick], self._factor[columns][:, pick]
        result = np.empty(raw.shape, np.float32)
        for row, values in enumerate(raw):
            result[row] = (values - dark) * factor
        return result

    def _read_mask(self, window: Window, bands: list[int] | None, data: NDArray) -> NDArray[np.bool_] | None:
        return self.raw._read_mask(window, bands, data)


def _times(file: Path, bands: int) -> NDArray[np.float64] | None:
    """Integration time of each band (C,); None where the header says none.

    Cameras of two detectors say ``tint1`` and ``tint2``, and with ``vimg1`` which bands the first of them has.
    """
    header = file if file.suffix.lower() == ".hdr" else header_of(file)
    if header is None:
        return None
    fields = read_envi_header(header)
    with suppress(ValueError, KeyError, IndexError):
        first, second = float(fields["tint1"]), float(fields["tint2"])
        count = int(listed(fields["vimg1"])[1])
        if min(first, second) > 0 and 0 < count < bands:
            return np.repeat([first, second], [count, bands - count])
    for name in _TIMES:
        with suppress(ValueError, KeyError):
            time = float(fields[name].split()[0])
            if 0 < time < np.inf:
                return np.full(bands, time)
    return None


def with_references(reader: RasterReader, options: CubeOptions) -> CubeReader:
    """A raster as it is opened: a camera's raw file with its references as reflectance, any other as it is.

    Args:
        reader: The raster.
        options: ``dark`` and ``white`` count here.

    Raises:
        DataError: References were named that do not fit.
    """
    try:
        references = find_references(Path(reader.path), options)
        if references is None:
            return reader
        if options.white is None:
            doubt(
                reader.path,
                "references",
                f"is read as reflectance by {references.white.name if references.white else ''} beside it "
                f"(white={NO_REFERENCE!r} reads raw values)",
            )
        return ReflectanceReader(reader, references)
    except BaseException:
        reader.close()
        raise
