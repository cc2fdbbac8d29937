"""Wavelengths, band widths and bad bands, wherever a raster file keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import rasterio
from numpy.typing import NDArray

from mmhsi.errors import DataError
from mmhsi.io.wavelengths import nanometres_per_unit


@dataclass(frozen=True)
class SpectralMetadata:
    """What a raster file says about its bands.

    Attributes:
        wavelengths: (C,) band centres in nm, or None.
        fwhm: (C,) full widths at half maximum in nm, or None.
        good_bands: (C,) bool.
    """

    wavelengths: NDArray[np.float64] | None
    fwhm: NDArray[np.float64] | None
    good_bands: NDArray[np.bool_]


def spectral_metadata(dataset: rasterio.DatasetReader, path: str) -> SpectralMetadata:
    """Collect the spectral metadata of an open raster.

    Looked up in this order, each of the three for itself: tags of the bands (``wavelength``, ``fwhm``, ``bbl``,
    ``wavelength_units``); tags of the file and the ENVI header (``wavelength = {400, 410, …}``); GDAL's IMAGERY domain
    (last, as it rounds to whole nanometres). Wavelengths or widths that only some of the bands have, or that are not
    positive, count as not given.

    Args:
        dataset: The open raster.
        path: The file, for the messages.

    Returns:
        The metadata, in nm; a band is good unless its ``bbl`` is 0.

    Raises:
        DataError: A value is not a number, or a list has not one value for each band.
    """
    sources = _Sources(dataset, path)
    wavelengths = sources.numbers("wavelength")
    fwhm = sources.numbers("fwhm")
    scale = nanometres_per_unit(sources.units(), wavelengths)
    wavelengths = _scaled(wavelengths, scale)
    fwhm = _scaled(fwhm, scale)
    if wavelengths is None:
        wavelengths = _scaled(sources.imagery("CENTRAL_WAVELENGTH_UM"), 1e3)
    if fwhm is None:
        fwhm = _scaled(sources.imagery("FWHM_UM"), 1e3)
    flags = sources.numbers("bbl", missing="1")
    good = np.ones(dataset.count, dtype=bool) if flags is None else flags != 0
    return SpectralMetadata(wavelengths, fwhm, good)


def _scaled(values: NDArray[np.float64] | None, scale: float | None) -> NDArray[np.float64] | None:
    """Values in nm; None if they are missing, cannot be converted, or are place holders such as 0 or NaN."""
    if values is None or scale is None or not (np.isfinite(values).all() and (values > 0).all()):
        return None
    return values * scale


def _plain(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with ENVI's spaces and any capitals gone from their names."""
    return {name.strip().lower().replace(" ", "_"): value for name, value in tags.items()}


def _listed(text: str) -> list[str]:
    """The items of an ENVI list such as ``{400, 410}``."""
    return text.strip().strip("{}").replace(",", " ").split()


class _Sources:
    """The places of one file where metadata may lie."""

    def __init__(self, dataset: rasterio.DatasetReader, path: str) -> None:
        self.dataset = dataset
        self.path = path
        self.bands = [_plain(dataset.tags(band)) for band in dataset.indexes]
        self.lists = [_plain(dataset.tags()), _plain(dataset.tags(ns="ENVI"))]

    def units(self) -> str | None:
        """The first unit named anywhere."""
        for tags in (*self.bands, *self.lists):
            if tags.get("wavelength_units", "").strip():
                return tags["wavelength_units"]
        return None

    def numbers(self, name: str, missing: str | None = None) -> NDArray[np.float64] | None:
        """One number a band; `missing` fills in for bands without the tag where others have it."""
        tagged = [tags.get(name, missing) for tags in self.bands]
        for tags in self.lists:  # GDAL has given the bands as many of these as there are bands
            if tags.get(name, "").startswith("{"):
                self._require_one_a_band(name, len(_listed(tags[name])))
        if any(name in tags for tags in self.bands) and all(value is not None for value in tagged):
            return self._parse(name, [value for value in tagged if value is not None])
        for tags in self.lists:
            if name in tags:
                return self._parse(name, _listed(tags[name]))
        return None

    def imagery(self, name: str) -> NDArray[np.float64] | None:
        """One number a band from GDAL's IMAGERY domain."""
        values = [self.dataset.tags(band, ns="IMAGERY").get(name) for band in self.dataset.indexes]
        if any(value is None for value in values):
            return None
        return self._parse(name, [value for value in values if value is not None])

    def _require_one_a_band(self, name: str, count: int) -> None:
        if count != self.dataset.count:
            raise DataError(
                f"{self.path}: {name!r} lists {count} values for {self.dataset.count} bands; expected one a band"
            )

    def _parse(self, name: str, values: list[str]) -> NDArray[np.float64]:
        self._require_one_a_band(name, len(values))
        try:
            return np.array([float(value) for value in values])
        except ValueError as exc:
            raise DataError(f"{self.path}: {name!r} of a band is not a number ({exc})") from exc
