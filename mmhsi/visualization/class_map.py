"""Class maps as plain RGB, and how pictures are written."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import replacing

from .palette import RGB

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def colourise(
    class_map: npt.NDArray[np.integer],
    palette: Sequence[RGB],
    ignore_index: int = 255,
    ignore_colour: RGB = (0, 0, 0),
) -> npt.NDArray[np.uint8]:
    """Paint each pixel in its class's colour.

    Args:
        class_map: Class ids 0..K-1 or ``ignore_index``, (H, W).
        palette: K RGB colours, 0-255.
        ignore_index: Id of pixels with no label.
        ignore_colour: Their colour.

    Returns:
        RGB picture, (H, W, 3) uint8.

    Raises:
        DataError: The map is not (H, W) integers, or holds an id that has no colour.
    """
    class_map = np.asarray(class_map)
    if class_map.ndim != 2 or not np.issubdtype(class_map.dtype, np.integer):
        raise DataError(f"colourise: (H, W) integers were expected, not {class_map.shape} {class_map.dtype}")
    ignored = class_map == ignore_index
    unknown = ~ignored & ((class_map < 0) | (class_map >= len(palette)))
    if unknown.any():
        raise DataError(
            f"colourise: class id {class_map[unknown][0]} has no colour; "
            f"the palette has {len(palette)} and {ignore_index} is ignored"
        )
    colours = np.array([*palette, ignore_colour], dtype=np.uint8)  # (K + 1, 3)
    return colours[np.where(ignored, len(palette), class_map.astype(np.intp))]


def png_path(path: str | os.PathLike[str]) -> Path:
    """Check that ``path`` ends in .png.

    Args:
        path: What was given.
    """
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


def save_figure(path: str | os.PathLike[str], figure: "Figure") -> Path:
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
    with replacing(path) as temporary:
        FigureCanvasAgg(figure).print_png(temporary)
    return path
