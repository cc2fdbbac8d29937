"""Wavelengths, band widths and bad bands, wherever a raster file keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.doubts import doubt
from mmhsi.io.wavelengths import in_nanometres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import rasterio
    from numpy.typing import NDArray


@dataclass(frozen=True)
class SpectralMetadata:
    """What a file says about its bands.

    Attributes:
        wavelengths: (C,) band centres in nm, or None.
        fwhm: (C,) full widths at half maximum in nm, or None.
        good_bands: (C,) bool.
    """

    wavelengths: NDArray[np.float64] | None
    fwhm: NDArray[np.float64] | None
    good_bands: NDArray[np.bool_]


@dataclass(frozen=True)
class TagSource:
    """One place of a file where metadata may lie.

    Attributes:
        lists: Tags of the whole file, by domain; a value may be a list with one item a band.
        bands: Tags of each band.
    """

    lists: list[dict[str, str]]
    bands: list[dict[str, str]]


def spectral_metadata(
    dataset: rasterio.DatasetReader, path: str, indexes: Sequence[int], own: Sequence[TagSource] = ()
) -> SpectralMetadata:
    """Collect the spectral metadata of an open raster.

    Looked up in this order, each of the three for itself: ``own``; tags of the bands (``wavelength``, ``fwhm``,
    ``bbl``, ``wavelength_units``, in no domain or in ENVI's); tags of the file and the ENVI header
    (``wavelength = {400, 410, …}``); GDAL's IMAGERY domain (last, as it rounds to whole nanometres). Wavelengths or
    widths that only some of the bands have, or that are not positive, count as not given, which is said.

    Args:
        dataset: The open raster.
        path: The file, for the messages.
        indexes: GDAL's numbers, from 1, of the bands that the cube has.
        own: What the file says itself, where a sidecar may say otherwise.

    Returns:
        The metadata, in nm; a band is good unless its ``bbl`` is 0.

    Raises:
        DataError: A value is not a number, a list has not one value for each band, or the unit of the wavelengths
            cannot be told (:func:`mmhsi.io.wavelengths.in_nanometres`).
    """
    sources = _Sources([*own, tag_source(dataset)], dataset.count, indexes, path)
    wavelengths, fwhm = in_nanometres(
        sources.numbers("wavelength"), sources.numbers("fwhm"), sources.text("wavelength_units"), path
    )
    if wavelengths is None:
        wavelengths = _micrometres(sources.parsed("CENTRAL_WAVELENGTH_UM", _imagery(dataset, indexes)))
    if fwhm is None:
        fwhm = _micrometres(sources.parsed("FWHM_UM", _imagery(dataset, indexes)))
    flags = sources.numbers("bbl", missing="1")
    good = np.ones(len(indexes), dtype=bool) if flags is None else flags != 0
    return SpectralMetadata(wavelengths, fwhm, good)


def tag_source(dataset: rasterio.DatasetReader) -> TagSource:
    """What an open raster says, by GDAL.

    Args:
        dataset: The raster.
    """
    bands = []
    for index in dataset.indexes:
        envi = dataset.tags(index, ns="ENVI") if "ENVI" in dataset.tag_namespaces(index) else {}
        bands.append({**_plain(envi), **_plain(dataset.tags(index))})
    return TagSource([_plain(dataset.tags()), _plain(dataset.tags(ns="ENVI"))], bands)


def _micrometres(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
    """Positive values in nm, or None."""
    return None if values is None or not (np.isfinite(values).all() and (values > 0).all()) else values * 1e3


def _imagery(dataset: rasterio.DatasetReader, indexes: Sequence[int]) -> list[dict[str, str]]:
    """GDAL's IMAGERY domain of each band."""
    return [dataset.tags(index, ns="IMAGERY") for index in indexes]


def _plain(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags with ENVI's spaces and any capitals gone from their names."""
    return {name.strip().lower().replace(" ", "_"): value for name, value in tags.items()}


def listed(text: str) -> list[str]:
    """The items of an ENVI list such as ``{400, 410}``.

    Args:
        text: The list.
    """
    return text.strip().strip("{}").replace(",", " ").split()


class _Sources:
    """The places of one file where metadata may lie, the first of which counts."""

    def __init__(self, sources: Sequence[TagSource], count: int, indexes: Sequence[int], path: str) -> None:
        self.sources = sources
        self.count = count
        self.indexes = indexes
        self.path = path

    def text(self, name: str) -> str | None:
        """The first value of this name that is not blank."""
        for source in self.sources:
            for tags in (*source.bands, *source.lists):
                if tags.get(name, "").strip():
                    return tags[name]
        return None

    def numbers(self, name: str, missing: str | None = None) -> NDArray[np.float64] | None:
        """One number a band; `missing` fills in for bands without the tag where others have it."""
        for source in self.sources:
            for tags in source.lists:  # GDAL has given the bands as many of these as there are bands
                if tags.get(name, "").startswith("{"):
                    self._one_a_band(name, listed(tags[name]))
            found = self.parsed(
                name, [source.bands[index - 1] for index in self.indexes] if source.bands else [], missing
            )
            if found is not None:
                return found
            for tags in source.lists:
                if name in tags:
                    return self._parse(name, self._one_a_band(name, listed(tags[name])))
        return None

    def parsed(
        self, name: str, bands: Sequence[Mapping[str, str]], missing: str | None = None
    ) -> NDArray[np.float64] | None:
        """One number a band from tags of the bands, or None where a band has none."""
        values = [tags.get(name, missing) for tags in bands]
        having = sum(name in tags for tags in bands)
        if not having:
            return None
        if None in values:
            doubt(self.path, name, f"says {name.lower()} of {having} of {len(values)} bands alone; not used")
            return None
        return self._parse(name, [value for value in values if value is not None])

    def _one_a_band(self, name: str, values: list[str]) -> list[str]:
        """The values of the bands that the cube has."""
        if len(values) == len(self.indexes):
            return values
        if len(values) == self.count:
            return [values[index - 1] for index in self.indexes]
        raise DataError(f"{self.path}: {name!r} lists {len(values)} values for {self.count} bands; expected one a band")

    def _parse(self, name: str, values: list[str]) -> NDArray[np.float64]:
        try:
            return np.array([float(value) for value in values])
        except ValueError as exc:
            raise DataError(f"{self.path}: {name!r} of a band is not a number ({exc})") from exc
