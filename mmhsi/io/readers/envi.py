"""ENVI: the data file that belongs to a header, and whether it is complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

from mmhsi.errors import FileFormatError

_DATA_SUFFIXES = ("", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip")


def data_file_of(header: Path) -> Path:
    """Find the data file of a header ``scene.hdr``: ``scene``, ``scene.img``, ``scene.dat`` and so on.

    Args:
        header: The .hdr file.

    Returns:
        The first candidate that exists, in lower or upper case.

    Raises:
        FileFormatError: None exists.
    """
    for suffix in _DATA_SUFFIXES:
        for spelling in (suffix, suffix.upper()):
            candidate = header.with_suffix(spelling)
            if candidate.is_file():
                return candidate
    stem = header.with_suffix("").name
    tried = ", ".join(stem + suffix for suffix in _DATA_SUFFIXES)
    raise FileFormatError(f"{header}: no data file beside this ENVI header; expected one of {tried}")


def check_complete(dataset: rasterio.DatasetReader, path: str) -> None:
    """Check that an ENVI data file is as long as its header says.

    GDAL reads what lies beyond the end of a raw file as zeros, without a word.

    Args:
        dataset: An open ENVI dataset.
        path: The file, for the message.

    Raises:
        FileFormatError: Bytes are missing.
    """
    header = {name.lower(): value for name, value in dataset.tags(ns="ENVI").items()}
    if header.get("file_compression", "0").strip() != "0":
        return
    values = dataset.height * dataset.width * dataset.count
    needed = int(header.get("header_offset", "0")) + values * np.dtype(dataset.dtypes[0]).itemsize
    actual = Path(dataset.files[0]).stat().st_size
    if actual < needed:
        raise FileFormatError(
            f"{path}: the data file has {actual} bytes, its header needs {needed} ({dataset.height} x {dataset.width} "
            f"pixels, {dataset.count} bands of {dataset.dtypes[0]}); the file is truncated or the header wrong"
        )
