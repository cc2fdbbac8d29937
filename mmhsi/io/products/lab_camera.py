"""Raw ENVI files of lab and field cameras, made reflectance by a dark and a white reference.

``reflectance = (raw − dark) / (white − dark of white)``, each divided by its integration time and gain, column by
column of the sensor, since every pixel of a push-broom detector has a dark current and a gain of its own. The
references are averaged over their lines. Where white is not above dark, a value is NaN.

References that lie beside the raw file are found by the names that cameras give them: Specim's ``WHITEREF_NAME``,
``DARKREF_NAME`` and ``WHITEDARKREF_NAME``, Headwall's ``whiteReference`` and ``darkReference`` beside ``raw…``. HySpex
writes the dark reference into each raw file; its white one, and those of Resonon, have no fixed names and are given.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.cube import CubeInfo
from mmhsi.io.cube_options import NO_REFERENCE, CubeOptions
from mmhsi.io.doubts import doubt
from mmhsi.io.products.lab_exposure import Exposure, exposure_of
from mmhsi.io.products.lab_references import References, find_references, is_reference
from mmhsi.io.readers.derived import DerivedReader
from mmhsi.io.readers.drivers import header_of
from mmhsi.io.readers.envi_header import read_envi_header
from mmhsi.io.readers.raster import RasterReader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mmhsi.io.readers.base import CubeReader
    from mmhsi.io.selection import Window

_ROWS = 64
"""Lines of a reference that are in memory at a time."""


class ReflectanceReader(DerivedReader):
    """A raw file read as reflectance, from 0 to 1 relative to the white panel.

    Args:
        raw: The raw file.
        references: Its references.

    Raises:
        DataError: A reference has other bands or columns than the raw file.
    """

    copies = 4

    def __init__(self, raw: RasterReader, references: References) -> None:
        super().__init__(raw.path, [raw])
        self.raw = raw
        self.references = references
        self._of_references: list[Path] = []
        self._dark, self._factor = self._coefficients()

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        return list(dict.fromkeys([*self.raw.files, *self._of_references]))

    def _coefficients(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Dark (W, C), and what a difference from it is multiplied with."""
        files, (width, bands) = self.references, self.raw.stored.shape[1:]
        assert files.white is not None  # find_references sees to it
        raw = exposure_of(Path(self.path), width, bands)
        white, of_white = self._mean(files.white, raw)
        dark, of_dark = (raw.dark, raw) if files.dark is None else self._mean(files.dark, raw)
        white_dark, of_white_dark = dark, of_dark
        if files.white_dark is not None:
            white_dark, of_white_dark = self._mean(files.white_dark, raw)
        elif files.dark is None and of_white.dark is not None:
            white_dark, of_white_dark = of_white.dark, of_white
        if dark is None:
            doubt(self.path, "dark", "no dark reference is known, 0 is taken; name it with dark=")
        self._doubt_exposures("raw file", raw, of_dark)
        self._doubt_exposures(files.white.name, of_white, of_white_dark)
        ratio: NDArray[np.float64] | float = 1.0
        seen, white_seen = raw.sensitivity(), of_white.sensitivity()
        if seen is not None and white_seen is not None:
            ratio = white_seen / seen
        if raw.gain_text != of_white.gain_text:
            doubt(
                self.path,
                "gain",
                f"has gain = {raw.gain_text}, {files.white.name} {of_white.gain_text}, of unknown unit: left out",
            )
        dark, white_dark = (np.zeros((1, 1)) if one is None else one for one in (dark, white_dark))
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = np.where(white > white_dark, ratio / (white - white_dark), np.nan)
        shape = (width, bands)
        return np.broadcast_to(dark, shape).astype(np.float32), np.broadcast_to(factor, shape).astype(np.float32)

    def _doubt_exposures(self, name: str, light: Exposure, dark: Exposure) -> None:
        """Say that a dark reference was not exposed as what it is subtracted from."""
        ours, its = light.sensitivity(), dark.sensitivity()
        if ours is not None and its is not None and not np.allclose(ours, its, rtol=1e-3):
            doubt(
                self.path,
                f"dark of {name}",
                f"the dark of {name} was exposed differently ({its[0]:g} against {ours[0]:g}, exposure time by gain "
                "in the header's units); used as it is",
            )

    def _mean(self, file: Path, raw: Exposure) -> tuple[NDArray[np.float64], Exposure]:
        """A reference averaged over its lines, (W, C) or (1, C), and how it was exposed.

        Where it holds more of the sensor's columns than the raw file, and both say which, those of the raw file.
        """
        wanted = self.raw.stored.shape[1]
        with RasterReader(file) as reader:
            self._of_references += reader.files
            height, width, bands = reader.stored.shape
            exposure = exposure_of(file, width, bands)
            first = 0
            if width > 1 and raw.column is not None and exposure.column is not None:
                first = raw.column - exposure.column
            elif width > 1 and width != wanted:
                first = -1  # which of them the raw file has, nobody knows
            if bands != self.raw.stored.shape[2] or first < 0 or (width > 1 and first + wanted > width):
                raise DataError(
                    f"{file}: a reference of {width} columns and {bands} bands does not fit {self.path} "
                    f"({wanted} columns, {self.raw.stored.shape[2]} bands)"
                )
            taken = min(width, wanted)
            total = np.zeros((taken, bands))
            for row in range(0, height, _ROWS):
                part = reader._read_block((row, first, min(_ROWS, height - row), taken), None)
                total += part.sum(axis=0, dtype=np.float64)
        return total / height, exposure

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
            referenced=True,
            reflectance=True,
            acquired=info.acquired,
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
            if options.white is None:
                _doubt_counts(reader)
            return reader
        if options.white is None:
            doubt(
                reader.path,
                "references",
                f"is read as reflectance by {references.white.name if references.white else ''} beside it "
                f"(white={NO_REFERENCE!r}, --white {NO_REFERENCE} of a command, reads raw values)",
            )
        return ReflectanceReader(reader, references)
    except BaseException:
        reader.close()
        raise


def _doubt_counts(reader: RasterReader) -> None:
    """Warn of a camera's counts without references: unsigned integers of a known exposure, of no known scale."""
    info, file = reader.stored, Path(reader.path)
    header = file if file.suffix.lower() == ".hdr" else header_of(file)
    if header is None or is_reference(file) or info.dtype.kind != "u" or info.scale is not None:
        return
    fields = read_envi_header(header)
    said = " ".join((fields.get("description", ""), fields.get("data_units", ""), fields.get("units", ""))).lower()
    if exposure_of(file, *info.shape[1:]).time is not None and not any(
        word in said for word in ("reflectance", "radiance")
    ):
        doubt(
            reader.path,
            "counts",
            "looks like a camera's raw counts: --white FILE and --dark FILE (white=, dark= in Python) make them "
            f"reflectance, --white {NO_REFERENCE} says that they are meant",
        )
