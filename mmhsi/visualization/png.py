"""How pictures are written: as PNG, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import replacing

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure


def png_path(path: str | os.PathLike[str]) -> Path:
    """Check that ``path`` ends in .png."""
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{path}: pictures are written as PNG, name the file .png")
    return path


def save_png(path: str | os.PathLike[str], rgb: npt.NDArray[np.uint8]) -> Path:
    """Write a picture pixel by pixel, without frame or scaling.

    Args:
        path: File to write or replace, ``.png``; its folder is made if missing.
        rgb: (H, W, 3) uint8.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` does not end in .png.
        DataError: ``rgb`` is not (H, W, 3) uint8, or the file cannot be written.
    """
    from PIL import Image

    path = png_path(path)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise DataError(f"save_png: (H, W, 3) uint8 was expected, not {rgb.shape} {rgb.dtype}")
    with replacing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(rgb)).save(temporary, format="PNG")
    return path


def save_figure(path: str | os.PathLike[str], figure: Figure) -> Path:
    """Write a matplotlib figure as it is laid out, at its own resolution; pyplot stays untouched.

    Args:
        path: File to write or replace, ``.png``; its folder is made if missing.
        figure: Its canvas is replaced.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` does not end in .png.
        DataError: The file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    path = png_path(path)
    texts_as_they_are(figure)
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
    return path


def texts_as_they_are(figure: Figure) -> None:
    """Have no text of a figure read as a formula, which a class name with two ``$`` would be."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
