"""Which axis of an HDF5 or netCDF-4 data set is which, by what its file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.io.axes import Role, role_of
from mmhsi.io.readers.hdf5_content import axis_label, axis_scales, text_of

if TYPE_CHECKING:
    import h5py

_NAME_LISTS = (
    "_ARRAY_DIMENSIONS",
    "Dimension_Labels",
    "DIMENSION_LABELS",
    "dimension_names",
    "DimensionNames",
    "axes",
    "dims",
)
"""Attributes in which programs name the axes of a data set."""
_INTERLEAVES: dict[str, list[Role]] = {"bsq": ["band", "y", "x"], "bil": ["y", "band", "x"], "bip": ["y", "x", "band"]}
_STANDARD_NAMES: dict[str, Role] = {
    "latitude": "y",
    "projection_y_coordinate": "y",
    "longitude": "x",
    "projection_x_coordinate": "x",
    "radiation_wavelength": "band",
    "sensor_band_central_radiation_wavelength": "band",
}
_UNITS: dict[str, Role] = {
    "degrees_north": "y",
    "degrees_east": "x",
    **dict.fromkeys(("nm", "nanometer", "nanometers", "um", "micrometer", "micrometers", "\u03bcm"), "band"),
}


def axis_roles(dataset: h5py.Dataset) -> list[Role | None]:
    """What each axis of a data set holds, None where the file does not say.

    Args:
        dataset: The data set.
    """
    roles: list[Role | None] = [_scale_role(dataset, axis) for axis in range(dataset.ndim)]
    if any(role is None for role in roles):
        named = _listed_roles(dataset)
        if len(named) == dataset.ndim:
            roles = [role or other for role, other in zip(roles, named, strict=True)]
    return roles


def _scale_role(dataset: h5py.Dataset, axis: int) -> Role | None:
    """By the axis's label, and its scale's name and attributes."""
    if role := role_of(text_of(axis_label(dataset, axis))):
        return role
    for scale in axis_scales(dataset, axis):
        attributes = scale.attrs
        if role := role_of(scale.name or ""):
            return role
        if role := _STANDARD_NAMES.get(text_of(attributes.get("standard_name", ""))):
            return role
        letter = text_of(attributes.get("axis", "")).strip().lower()
        if letter in ("x", "y"):
            return "x" if letter == "x" else "y"
        if role := _UNITS.get(text_of(attributes.get("units", "")).strip().casefold()):
            return role
    return None


def _listed_roles(dataset: h5py.Dataset) -> list[Role | None]:
    """By an attribute that lists the axes' names, or names the interleave."""
    for name in _NAME_LISTS:
        value = dataset.attrs.get(name)
        if value is None:
            continue
        words = np.asarray(value).ravel().tolist()
        texts = [word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word) for word in words]
        if len(texts) == 1:
            texts = texts[0].replace(",", " ").split()
        if len(texts) == dataset.ndim:
            return [role_of(text) for text in texts]
    interleave = text_of(dataset.attrs.get("interleave", "")).strip().lower()
    found = _INTERLEAVES.get(interleave)
    return list(found) if found and dataset.ndim == 3 else []
