"""What each part of the spectrum tells of the classes, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .style import INK, SMALL, chart_axes, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mmhsi.evaluation.band_importance import BandImportance

    from .spectra import ClassSpectra


def importance_figure(
    found: BandImportance,
    groups: Sequence[NDArray[np.integer]],
    spectra: ClassSpectra,
    mean: NDArray[np.floating],
    title: str = "",
) -> Figure:
    """Draw how well each group of bands alone tells the classes apart, below the mean spectrum.

    Args:
        found: Of :func:`mmhsi.evaluation.band_importance.band_importance`.
        groups: Indices of the bands of each group.
        spectra: What the bands are.
        mean: Mean spectrum, (C,).
        title: Above the picture.
    """
    figure = new_figure(9, 4.6, title)
    above, axis = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2))
    centres = spectra.wavelengths
    for piece in np.unique(spectra.pieces):
        part = spectra.pieces == piece
        above.plot(centres[part], mean[part], color="#d55e00", lw=1.4, marker="." if part.sum() == 1 else "")
    chart_axes(above, "", "mean\nreflectance" if spectra.reflectance else "mean value")
    alone, spread = 100 * found.alone.mean(axis=0), 100 * found.alone.std(axis=0, ddof=1)
    half = np.median(np.abs(np.diff(centres))) / 2 if len(centres) > 1 else 0.5
    ends = np.array([(centres[bands].min() - half, centres[bands].max() + half) for bands in groups])
    middle, width = ends.mean(axis=1), ends[:, 1] - ends[:, 0]
    axis.bar(middle, alone, width, color="#0072b2", alpha=0.75, edgecolor="white", lw=0.6, label="these bands alone")
    axis.errorbar(middle, alone, spread, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2)
    together = 100 * found.together.mean()
    axis.axhline(together, color="#d55e00", lw=1.2, label=f"all together: {together:.1f} %")
    axis.axhline(
        100 * found.chance, color=INK, lw=1, ls=":", label=f"the most frequent class: {100 * found.chance:.1f} %"
    )
    along = f"{spectra.unit}; bars and thin lines: mean and spread of the folds"
    chart_axes(axis, along, "% of held-out\npixels right")
    axis.set_ylim(bottom=0, top=max(100.0, 1.05 * together))
    axis.margins(x=0)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=SMALL, labelcolor=INK)
    return figure
