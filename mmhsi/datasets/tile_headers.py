"""What the files of a set of tiles say of themselves, each for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError
from mmhsi.io.readers.opening import open_reader
from mmhsi.progress import watched

from .bands import choose_bands

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mmhsi.io import CubeInfo, CubeOptions

SAME_NM = 1.0
"""Centres that differ by less are those of the same band."""


def read_headers(
    paths: Sequence[Path],
    key: str | None = None,
    axes: str | None = None,
    bad_bands: Sequence[int] | None = None,
    declared: bool = False,
    options: CubeOptions | None = None,
) -> list[CubeInfo]:
    """Read the header of every file and check that one model can take them all.

    Sizes, types, scales and places may differ.

    Args:
        paths: The files, at least one.
        key: Variable of ``.mat`` and HDF5 files.
        axes: Their axes.
        bad_bands: 0-based bands that are left out beside those that the files flag.
        declared: Whether the wavelengths are given by the user, so that those of the files do not count.
        options: How the files are opened. Default: as :class:`mmhsi.io.CubeOptions` has it.

    Returns:
        One a file.

    Raises:
        DataError: A file cannot be read, or has other bands than the first.
    """
    headers: list[CubeInfo] = []
    for path in watched(paths, "reading headers"):
        with open_reader(path, key, 3, axes, options) as reader:
            headers.append(reader.info)
        if len(headers) > 1:
            _require_same_bands(headers[0], headers[-1], bad_bands, declared)
    return headers


def _require_same_bands(first: CubeInfo, other: CubeInfo, bad_bands: Sequence[int] | None, declared: bool) -> None:
    if other.shape[2] != first.shape[2]:
        raise DataError(f"{other.name}: {other.shape[2]} bands, the dataset's first tile has {first.shape[2]}")
    bands = choose_bands(first, bad_bands)
    if choose_bands(other, bad_bands) != bands:
        differ = np.flatnonzero(other.good_bands != first.good_bands).tolist()
        raise DataError(
            f"{other.name}: flags other bands bad than the first tile {first.name} (0-based: "
            f"{', '.join(map(str, differ[:8]))}); leave those out everywhere with bad_bands=[…]"
        )
    if declared or first.wavelengths is None or other.wavelengths is None:
        return
    off = np.abs(other.wavelengths - first.wavelengths)[bands]
    if (off > SAME_NM).any():
        band = bands[int(off.argmax())]
        raise DataError(
            f"{other.name}: band {band} lies at {other.wavelengths[band]:g} nm, that of the first tile {first.name} at "
            f"{first.wavelengths[band]:g} nm; tiles of different sensors belong into a CorpusDataset"
        )
