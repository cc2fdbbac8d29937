"""Pictures: false colour, class maps, errors. Importing this package does not import matplotlib."""

from mmhsi.io.false_colour import false_colour, rgb_band_indices

from .class_map import colourise
from .error_map import error_map
from .map_figure import save_map_figure
from .meaning import class_palette
from .palette import default_palette
from .png import save_png

__all__ = [
    "class_palette",
    "colourise",
    "default_palette",
    "error_map",
    "false_colour",
    "rgb_band_indices",
    "save_map_figure",
    "save_png",
]
