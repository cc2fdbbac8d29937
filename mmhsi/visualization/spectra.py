"""Mean spectrum of every class, and how far its pixels scatter around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from mmhsi.datasets.statistics import BandStatistics
from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from mmhsi.io import CubeReader

    from .palette import RGB

VALUES_AT_A_TIME = 1 << 24


class ClassSpectra(NamedTuple):
    """Spectra of K classes over C bands, in the unit of the file.

    Attributes:
        counts: Pixels of each class, (K,).
        mean: Mean spectrum, (K, C); NaN for a class without pixels.
        std: Population standard deviation, (K, C); NaN as well.
        wavelengths: Band centres in nm, (C,), rising; band numbers where the file has no wavelengths.
        unit: ``'wavelength (nm)'`` or ``'band'``.
    """

    counts: npt.NDArray[np.integer]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    wavelengths: npt.NDArray[np.float64]
    unit: str


def class_spectra(reader: CubeReader, classes: npt.NDArray[np.integer], num_classes: int) -> ClassSpectra:
    """Average the spectra of every class over a scene, some rows in memory at a time.

    Bands that the file flags bad are left out, and pixels without data in one of the others.

    Args:
        reader: Open scene of H × W pixels.
        classes: Class ids 0..K-1, (H, W); others, such as 255, belong to no class.
        num_classes: K.

    Returns:
        Counts, means and standard deviations, the bands in the order of their wavelengths.

    Raises:
        DataError: The class map has another size than the scene.
    """
    info = reader.info
    height, width, count = info.shape
    if classes.shape != (height, width):
        raise DataError(f"{reader.path}: {height} x {width} pixels, the class map has shape {classes.shape}")
    bands = np.flatnonzero(info.good_bands) if info.good_bands.any() else np.arange(count)
    centres, unit = bands.astype(np.float64), "band"
    if info.wavelengths is not None and np.isfinite(info.wavelengths[bands]).all():
        centres, unit = info.wavelengths[bands], "wavelength (nm)"
    order = np.argsort(centres, kind="stable")  # spectrometers overlap: wavelengths need not rise with the band number
    bands, centres = bands[order], centres[order]
    statistics = [BandStatistics(len(bands)) for _ in range(num_classes)]
    step = max(1, VALUES_AT_A_TIME // (width * len(bands)))
    for row in range(0, height, step):
        block = reader.read((row, 0, min(step, height - row), width), bands.tolist())
        ids = np.where(block.valid(), classes[row : row + step], -1).ravel()
        pixels = block.data.reshape(-1, len(bands))
        for index, part in enumerate(statistics):
            part.update(pixels[ids == index])
    counts = np.array([part.count for part in statistics])
    empty = counts[:, None] == 0
    mean = np.where(empty, np.nan, np.stack([part.mean for part in statistics]))
    std = np.where(empty, np.nan, np.stack([part.std for part in statistics]))
    return ClassSpectra(counts, mean, std, centres, unit)


def spectra_figure(
    spectra: ClassSpectra, class_names: Sequence[str], palette: Sequence[RGB], title: str = ""
) -> Figure:
    """Draw the mean spectrum of every class that has pixels, and mean ± standard deviation as a band around it.

    Args:
        spectra: From :func:`class_spectra`.
        class_names: K names.
        palette: K RGB colours, 0-255.
        title: Above the picture.

    Raises:
        DataError: No class has pixels, or names and spectra differ in number.
    """
    from matplotlib.figure import Figure

    if len(class_names) != len(spectra.counts) or not spectra.counts.any():
        raise DataError(
            f"spectra_figure: {len(class_names)} names for spectra of {len(spectra.counts)} classes, "
            f"{spectra.counts.sum()} pixels in all"
        )
    figure = Figure(figsize=(9, 4.2), dpi=110, layout="constrained")
    axis = figure.subplots()
    for index in np.flatnonzero(spectra.counts).tolist():
        mean, std, colour = spectra.mean[index], spectra.std[index], np.array(palette[index]) / 255
        axis.fill_between(spectra.wavelengths, mean - std, mean + std, color=colour, alpha=0.15, lw=0)
        axis.plot(
            spectra.wavelengths, mean, color=colour, lw=1.5, label=f"{class_names[index]} ({spectra.counts[index]})"
        )
    axis.set(xlabel=spectra.unit, ylabel="value in the file", title=title)
    axis.margins(x=0)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8, title="class (pixels)", title_fontsize=8)
    return figure
