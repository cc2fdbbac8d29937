"""What masked pretraining saw and made of it: false colour side by side, and the spectra of a few pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import DataError
from mmhsi.io.false_colour import rgb_band_indices
from mmhsi.visualization.selection import evenly_spread

from .palette import OKABE_ITO
from .png import texts_as_they_are

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

Picture = npt.NDArray[np.uint8]
Cube = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]

HIDDEN_GREY = 128
# Inches.
PANEL, SPECTRUM, GAP, SIDE, CAPTION, AXIS = 2.8, 1.9, 0.25, 0.75, 0.3, 0.5
DPI = 100
INK, SHADE = "#222222", "#e4e4e4"
PERCENTILES = (2, 98)


def reconstruction_panels(
    original: Cube,
    prediction: Cube,
    hidden: Mask,
    valid: Mask | None = None,
    wavelengths: npt.ArrayLike | None = None,
    rgb_bands: Sequence[int] | None = None,
) -> tuple[Picture, Picture, Picture]:
    """Original, masked input and reconstruction in false colour, all with the stretch of the original.

    A hidden value of the masked input is mid-grey in its channel, so that a pixel hidden in all bands is grey and one
    hidden in some is tinted. The reconstruction is the prediction where values were hidden; the visible ones stay as
    they were given, since most algorithms never train the prediction of these. Pixels without data are black.

    Args:
        original: (H, W, C).
        prediction: Same shape and unit.
        hidden: Values that the encoder could not see, bool, same shape.
        valid: False where there are no data, (H, W) bool. Default: all are data.
        wavelengths: Band centres in nm, (C,), NaN where unknown; they decide the bands to show, see
            :func:`mmhsi.visualization.rgb_band_indices`.
        rgb_bands: 0-based bands to show where wavelengths are unknown.

    Returns:
        Three RGB pictures, (H, W, 3) uint8, one pixel a pixel.

    Raises:
        DataError: If the shapes do not fit together.
    """
    if original.ndim != 3 or not original.shape == prediction.shape == hidden.shape:
        raise DataError(
            f"reconstruction_panels: shapes {original.shape}, {prediction.shape}, {hidden.shape} given, expected three "
            "equal (H, W, C)"
        )
    shown = np.ones(original.shape[:2], dtype=bool) if valid is None else valid
    bands = list(rgb_band_indices(original.shape[2], wavelengths, bands=rgb_bands))
    seen, made, covered = original[..., bands], prediction[..., bands], hidden[..., bands]
    low, high = np.percentile(seen[shown], PERCENTILES, axis=0) if shown.any() else (np.zeros(3), np.zeros(3))

    def paint(values: Cube) -> Picture:
        spread = np.where(high > low, high - low, 1.0)
        scaled = np.where(high > low, np.clip((values - low) / spread, 0, 1), 0.5)  # a flat band is mid-grey
        return np.where(shown[..., None], np.rint(255 * scaled), 0).astype(np.uint8)

    first = paint(seen)
    masked = np.where(covered & shown[..., None], np.uint8(HIDDEN_GREY), first)
    return first, masked, paint(np.where(covered, made, seen))


def spread_pixels(hidden: Mask, valid: Mask | None, count: int) -> list[tuple[int, int]]:
    """Pixels whose spectra tell most: evenly spread over those with the most hidden bands.

    Args:
        hidden: (H, W, C) bool.
        valid: (H, W) bool; None if all pixels hold data.
        count: How many, at most.

    Returns:
        (row, column) of each, in row-major order.
    """
    bands = hidden.sum(axis=2)
    if valid is not None:
        bands = np.where(valid, bands, -1)
    candidates = np.flatnonzero((bands == bands.max()) & (bands >= 0))
    chosen = candidates[evenly_spread(len(candidates), count)]
    return [(int(row), int(column)) for row, column in zip(*np.unravel_index(chosen, bands.shape), strict=True)]


def hidden_runs(hidden: Mask) -> list[tuple[int, int]]:
    """First and last index of every run of True in (C,).

    Args:
        hidden: Shape (C,), bool.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], hidden, [False]]).astype(np.int8)))
    return [(int(first), int(last) - 1) for first, last in edges.reshape(-1, 2)]


def draw_reconstruction(
    original: Cube,
    prediction: Cube,
    hidden: Mask,
    valid: Mask | None = None,
    wavelengths: npt.ArrayLike | None = None,
    rgb_bands: Sequence[int] | None = None,
    num_pixels: int = 3,
    title: str = "",
) -> Picture:
    """Draw :func:`reconstruction_panels` enlarged, and below them the spectra of :func:`spread_pixels`.

    Pixels are enlarged without smoothing. In the spectra hidden bands are shaded, and the prediction is drawn there
    alone; the pixels are marked by squares of the same colours in the panels. pyplot and its state stay untouched.

    Args:
        original: (H, W, C), in the unit that the spectra are to be shown in.
        prediction: Same shape and unit.
        hidden: Values that the encoder could not see, bool, same shape.
        valid: False where there are no data, (H, W) bool. Default: all are data.
        wavelengths: Band centres in nm, (C,), NaN where unknown. Where one is not known, spectra are drawn over the
            band numbers.
        rgb_bands: 0-based bands of the panels where wavelengths are unknown.
        num_pixels: Spectra, 1 to 7. Default 3.
        title: Line above the panels.

    Returns:
        RGB picture, uint8, about 900 pixels wide.

    Raises:
        DataError: If the shapes do not fit together.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = reconstruction_panels(original, prediction, hidden, valid, wavelengths, rgb_bands)
    pixels = spread_pixels(hidden, valid, num_pixels)
    width = 2 * GAP + 3 * PANEL + 2 * GAP
    below = AXIS + SPECTRUM + CAPTION if pixels else GAP
    height = below + PANEL + CAPTION + (CAPTION if title else 0)
    figure = Figure(figsize=(width, height), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)

    def axes(left: float, bottom: float, across: float, up: float) -> Axes:
        return figure.add_axes((left / width, bottom / height, across / width, up / height))

    share = hidden.mean() if valid is None else hidden[valid].mean() if valid.any() else 0.0
    captions = ("original", f"seen ({100 * share:.0f} % hidden)", "hidden values reconstructed")
    for index, (caption, panel) in enumerate(zip(captions, panels, strict=True)):
        ax = axes(GAP + index * (PANEL + GAP), below, PANEL, PANEL)
        ax.imshow(panel, interpolation="nearest", aspect="equal")
        ax.set_title(caption, fontsize=10, color=INK, pad=5)
        ax.set_xticks([])
        ax.set_yticks([])
        for (row, column), colour in zip(pixels, OKABE_ITO, strict=False):
            ax.plot(column, row, marker="s", ms=5, mfc="none", mec=np.array(colour) / 255, mew=1.5)
    across = (width - GAP - len(pixels) * SIDE) / max(len(pixels), 1)
    for index, (pixel, colour) in enumerate(zip(pixels, OKABE_ITO, strict=False)):
        ax = axes(SIDE + index * (across + SIDE), AXIS, across, SPECTRUM)
        _draw_spectrum(ax, original[pixel], prediction[pixel], hidden[pixel], wavelengths, np.array(colour) / 255)
        ax.set_title(f"row {pixel[0]}, column {pixel[1]}", fontsize=9, color=INK, pad=4)
    if title:
        figure.text(0.5, 1 - 0.1 / height, title, ha="center", va="top", fontsize=11, color=INK)
    texts_as_they_are(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _draw_spectrum(
    ax: Axes,
    original: npt.NDArray[np.floating],
    prediction: npt.NDArray[np.floating],
    hidden: Mask,
    wavelengths: npt.ArrayLike | None,
    colour: npt.NDArray[np.floating],
) -> None:
    """Spectrum (C,) in ink, what was reconstructed of it in ``colour``, hidden bands shaded."""
    x, label = np.arange(len(original), dtype=np.float64), "band"
    if wavelengths is not None and np.isfinite(wavelengths).all():
        x, label = np.asarray(wavelengths, dtype=np.float64), "wavelength (nm)"
    order = np.argsort(x, kind="stable")  # spectrometers overlap: wavelengths need not rise with the band number
    x, original, prediction, hidden = x[order], original[order], prediction[order], hidden[order]
    middles = (x[1:] + x[:-1]) / 2
    edges = np.concatenate([x[:1], middles, x[-1:]])
    for first, last in hidden_runs(hidden):
        ax.axvspan(edges[first], edges[last + 1], color=SHADE, lw=0)
    ax.plot(x, original, color=INK, lw=1)
    ax.plot(x, np.where(hidden, prediction, np.nan), color=colour, lw=1, marker=".", ms=2)
    ax.set_xlabel(label, fontsize=8, color=INK, labelpad=1)
    ax.tick_params(labelsize=7, length=2, pad=1.5)
    ax.margins(x=0)
