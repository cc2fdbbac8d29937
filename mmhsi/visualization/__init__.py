"""Pictures: false colour, class maps. Importing this package does not import matplotlib."""

from .class_map import colourise, save_map_figure, save_png
from .false_colour import false_colour, rgb_band_indices
from .palette import default_palette

__all__ = ["colourise", "default_palette", "false_colour", "rgb_band_indices", "save_map_figure", "save_png"]
