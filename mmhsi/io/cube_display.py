"""A cube at a glance: a line of text, a page of a notebook, a figure."""

from __future__ import annotations

import html
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np

from mmhsi.errors import DataError, counted
from mmhsi.io.false_colour import false_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mmhsi.io.cube import HSICube

_SIDE = 320
"""Pixels of the longer side of what a notebook shows, and spectra are averaged over, at most."""


def summary(cube: HSICube) -> str:
    """Size, type, range of wavelengths, place and origin of a cube, on one line.

    Args:
        cube: The cube.
    """
    height, width, bands = cube.data.shape
    facts = [f"{height} x {width} pixels, {counted(bands, 'band')}, {cube.data.dtype}"]
    if cube.wavelengths is not None and cube.wavelengths.size:
        facts.append(f"{np.nanmin(cube.wavelengths):.0f} to {np.nanmax(cube.wavelengths):.0f} nm")
    if bad := int((~cube.good_bands).sum()):
        facts.append(f"{bad} flagged bad")
    if cube.crs is not None:
        epsg = cube.crs.to_epsg()
        facts.append(f"EPSG:{epsg}" if epsg else "a system without an EPSG code")
    return f"HSICube({', '.join(facts)}, {cube.name!r})"


def notebook_page(cube: HSICube) -> str:
    """A false-colour picture, the mean spectrum and the facts of a cube as HTML, drawn as :func:`cube_figure` draws.

    Args:
        cube: The cube.
    """
    text = f"<p>{html.escape(summary(cube))}</p>"
    if not cube.data.size:
        return text
    content = StringIO()
    cube_figure(_thinned(cube)).savefig(content, format="svg")
    drawn = content.getvalue()
    return f"<div>{text}{drawn[drawn.index('<svg') :]}</div>"


def cube_figure(cube: HSICube) -> Figure:
    """False colour beside the mean spectrum with its deviation; pyplot stays untouched.

    Args:
        cube: The cube.

    Raises:
        DataError: It holds no pixels or no bands.
    """
    from matplotlib.figure import Figure

    if not cube.data.size:
        raise DataError(f"{summary(cube)} holds nothing to draw")
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.imshow(_picture(cube))
    left.set_axis_off()
    x, mean, deviation = _mean_spectrum(_thinned(cube))
    right.plot(x, mean)
    right.fill_between(x, mean - deviation, mean + deviation, alpha=0.2)
    right.set_xlabel("band" if cube.wavelengths is None else "wavelength in nm")
    right.set_ylabel("mean of the pixels that hold data")
    return figure


def _thinned(cube: HSICube) -> HSICube:
    """Every n-th row and column, so that a large scene costs no more than a small one."""
    step = max(1, -(-max(cube.data.shape[:2]) // _SIDE))
    mask = None if cube.mask is None else cube.mask[::step, ::step]
    return type(cube)(
        cube.data[::step, ::step], cube.wavelengths, None, cube.good_bands, cube.nodata, name=cube.name, mask=mask
    )


def _picture(cube: HSICube) -> NDArray[np.uint8]:
    return false_colour(cube.data, cube.wavelengths, valid=cube.valid(), good_bands=cube.good_bands)


def _mean_spectrum(cube: HSICube) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Wavelengths or band numbers, mean and deviation, in increasing wavelength; NaN in bad bands."""
    bands = cube.data.shape[2]
    x = np.arange(bands, dtype=np.float64) if cube.wavelengths is None else cube.wavelengths
    pixels = cube.data[cube.valid()].astype(np.float64)
    mean, deviation = (
        (pixels.mean(axis=0), pixels.std(axis=0)) if len(pixels) else (np.full(bands, np.nan), np.full(bands, np.nan))
    )
    mean[~cube.good_bands] = np.nan
    order = np.argsort(x, kind="stable")
    return x[order], mean[order], deviation[order]
