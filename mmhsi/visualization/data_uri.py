"""Pictures as data URIs, for pages that load nothing from outside."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from .png import texts_as_they_are

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def svg_uri(figure: Figure) -> str:
    """A matplotlib figure as SVG, whose texts stay texts."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    texts_as_they_are(figure)
    content = io.BytesIO()
    with rc_context({"svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode()


def doubt_uri(doubt: npt.NDArray[np.floating]) -> str:
    """An uncertainty (H, W) from 0, black, to 1, bright; white where it is NaN, without data."""
    from matplotlib import colormaps

    colours = colormaps["magma"](np.nan_to_num(doubt).clip(0, 1), bytes=True)[..., :3]
    return picture_uri(np.where(np.isnan(doubt)[..., None], np.uint8(255), colours))


def picture_uri(rgb: npt.NDArray[np.uint8]) -> str:
    """A picture (H, W, 3) as PNG."""
    content = io.BytesIO()
    Image.fromarray(rgb).save(content, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
