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
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from .palette import RGB


def svg_uri(figure: Figure) -> str:
    """A matplotlib figure as SVG, whose texts stay texts."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    texts_as_they_are(figure)
    content = io.BytesIO()
    with rc_context({"svg.fonttype": "none"}):
        FigureCanvasSVG(figure).print_svg(content, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(content.getvalue()).decode()


def classes_uri(classes: npt.NDArray[np.integer], palette: Sequence[RGB]) -> str:
    """A class map (H, W), transparent where it is 255."""
    # A PNG's transparent entry has to lie within its palette.
    ids = np.where(classes == 255, len(palette), classes).astype(np.uint8)
    image = Image.fromarray(ids).convert("P")
    image.putpalette([value for colour in (*palette, (0, 0, 0)) for value in colour])
    return picture_uri(image, transparency=len(palette))


def doubt_uri(doubt: npt.NDArray[np.floating]) -> str:
    """An uncertainty (H, W) from 0, black, to 1, bright."""
    from matplotlib import colormaps

    colours = colormaps["magma"](np.nan_to_num(doubt).clip(0, 1), bytes=True)[..., :3]
    return picture_uri(Image.fromarray(np.ascontiguousarray(colours)))


def picture_uri(image: Image.Image, **options: int) -> str:
    """A picture as PNG, with Pillow's options of the format."""
    content = io.BytesIO()
    image.save(content, format="PNG", optimize=True, **options)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
