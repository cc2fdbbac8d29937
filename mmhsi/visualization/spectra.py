"""Mean spectrum of every class, and how far its pixels scatter around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from mmhsi.datasets.statistics import BandStatistics
from mmhsi.errors import DataError
from mmhsi.progress import watched

from .style import INK, SMALL, chart_axes, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from mmhsi.io import CubeReader

    from .palette import RGB

VALUES_AT_A_TIME = 1 << 24
MOST_SAMPLES = 2000
QUANTILES = (0.1, 0.9)


class ClassSpectra(NamedTuple):
    """Spectra of K classes over C bands, in the unit of the file.

    Attributes:
        counts: Pixels of each class, (K,).
        mean: Mean spectrum, (K, C); NaN for a class without pixels.
        std: Population standard deviation, (K, C); NaN as well.
        wavelengths: Band centres in nm, (C,), rising; band numbers where the file has no wavelengths.
        unit: ``'wavelength in nm'`` or ``'band'``.
        quantiles: 10th and 90th per cent of up to 2000 pixels of each class, (2, K, C); NaN as well.
        pieces: Number of the gapless piece that each band belongs to, (C,): another one begins where bands are missing,
            and where the file's wavelengths fall, which is another detector.
        bands: Number of each band in the file, (C,).
        reflectance: Whether the file says that its values are reflectance.
        taken: Which pixels they are of: of a class, with data in every band, (H, W) bool; None where it is not known.
    """

    counts: npt.NDArray[np.integer]
    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]
    wavelengths: npt.NDArray[np.float64]
    unit: str
    quantiles: npt.NDArray[np.float64]
    pieces: npt.NDArray[np.integer]
    bands: npt.NDArray[np.integer]
    reflectance: bool
    taken: npt.NDArray[np.bool_] | None = None


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
        centres, unit = info.wavelengths[bands], "wavelength in nm"
    pieces = gapless_pieces(bands, centres)
    order = np.argsort(centres, kind="stable")  # spectrometers overlap: wavelengths need not rise with the band number
    bands, centres, pieces = bands[order], centres[order], pieces[order]
    statistics = [BandStatistics(len(bands)) for _ in range(num_classes)]
    chosen = _chosen_pixels(classes, num_classes)
    samples: list[list[npt.NDArray]] = [[] for _ in range(num_classes)]
    taken = (classes >= 0) & (classes < num_classes)
    step = max(1, VALUES_AT_A_TIME // (width * len(bands)))
    for row in watched(range(0, height, step), "averaging spectra"):
        block = reader.read((row, 0, min(step, height - row), width), bands.tolist())
        taken[row : row + step] &= block.valid()
        ids = np.where(taken[row : row + step], classes[row : row + step], -1).ravel()
        pixels = block.data.reshape(-1, len(bands))
        for index, part in enumerate(statistics):
            part.update(pixels[ids == index])
            samples[index].append(pixels[(ids == index) & chosen[row : row + step].ravel()])
    counts = np.array([part.count for part in statistics])
    empty = counts[:, None] == 0
    mean = np.where(empty, np.nan, np.stack([part.mean for part in statistics]))
    std = np.where(empty, np.nan, np.stack([part.std for part in statistics]))
    quantiles = np.full((2, num_classes, len(bands)), np.nan)
    for index in np.flatnonzero(counts).tolist():
        quantiles[:, index] = np.quantile(np.concatenate(samples[index]), QUANTILES, axis=0)
    return ClassSpectra(counts, mean, std, centres, unit, quantiles, pieces, bands, info.reflectance, taken)


def gapless_pieces(bands: npt.NDArray[np.integer], centres: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Where a line through a spectrum has to be broken.

    Args:
        bands: Numbers of the bands that are there, rising, (C,).
        centres: Their wavelengths, (C,).

    Returns:
        Number of the piece of each band, (C,).
    """
    if len(bands) < 2:
        return np.zeros(len(bands), dtype=np.int64)
    steps = np.diff(centres)
    usual = np.median(steps[steps > 0]) if (steps > 0).any() else 1.0
    breaks = (steps <= 0) | ((np.diff(bands) > 1) & (steps > 2.5 * usual)) | (steps > 6 * usual)
    return np.concatenate([[0], np.cumsum(breaks)])


def _chosen_pixels(classes: npt.NDArray[np.integer], num_classes: int) -> npt.NDArray[np.bool_]:
    """Up to 2000 pixels of each class, evenly spread over them: all that lack data would be no others."""
    chosen = np.zeros(classes.size, dtype=bool)
    for index in range(num_classes):
        places = np.flatnonzero(classes.ravel() == index)
        every = max(1, -(-len(places) // MOST_SAMPLES))
        chosen[places[::every]] = True
    return chosen.reshape(classes.shape)


def spectra_figure(
    spectra: ClassSpectra, class_names: Sequence[str], palette: Sequence[RGB], title: str = ""
) -> Figure:
    """Draw the mean spectrum of every class that has pixels, and between which values 80 % of its pixels lie.

    Lines are broken where bands are missing and where another detector begins.

    Args:
        spectra: From :func:`class_spectra`.
        class_names: K names.
        palette: K RGB colours, 0-255.
        title: Above the picture.

    Raises:
        DataError: No class has pixels, or names and spectra differ in number.
    """
    if len(class_names) != len(spectra.counts) or not spectra.counts.any():
        raise DataError(
            f"spectra_figure: {len(class_names)} names for spectra of {len(spectra.counts)} classes, "
            f"{spectra.counts.sum()} pixels in all"
        )
    figure = new_figure(9, 4.4, title)
    axis = figure.subplots()
    for index in np.flatnonzero(spectra.counts).tolist():
        colour = np.array(palette[index]) / 255
        low, high = spectra.quantiles[:, index]
        for piece in np.unique(spectra.pieces):
            part = spectra.pieces == piece
            alone = part.sum() == 1
            axis.fill_between(spectra.wavelengths[part], low[part], high[part], color=colour, alpha=0.13, lw=0)
            label = f"{class_names[index]} ({spectra.counts[index]:,})" if piece == spectra.pieces[0] else None
            axis.plot(
                spectra.wavelengths[part],
                spectra.mean[index, part],
                color=colour,
                lw=1.6,
                marker="." if alone else "",
                label=label,
            )
    chart_axes(axis, spectra.unit, "reflectance" if spectra.reflectance else "value as it is read")
    axis.margins(x=0)
    means = [mean[np.isfinite(mean)] for mean in spectra.mean]
    top = 1.3 * max((np.quantile(mean, 0.98) for mean in means if len(mean)), default=0.0)  # of the brightest class
    if max((mean.max() for mean in means if len(mean)), default=0.0) > top > 0:
        axis.set_ylim(top=top)  # a band at an absorption of the air, whose values would flatten all others
    figure.legend(
        loc="outside right upper",
        frameon=False,
        fontsize=SMALL,
        title="class (pixels)\nmean, and 80 % of them",
        title_fontsize=SMALL,
        labelcolor=INK,
    )
    return figure
