"""A class map as a figure: beside false colour, ground truth and errors, with a legend."""

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import write_whole

from .class_map import colourise
from .error_map import ERROR_COLOURS, error_map
from .map_frame import MapFrame, draw_coordinates, draw_scale_and_north
from .meaning import class_palette
from .palette import RGB
from .png import png_path, texts_as_they_are
from .style import DPI, INK, picture_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches.
PANEL, PANEL_STACKED = 4.2, 7.6  # the longer side of a panel
PANEL_LEAST = 1.4
GAP, CAPTION, MARGIN, TICKS = 0.25, 0.3, 0.15, 0.2
NO_LABEL: RGB = (0, 0, 0)
NO_DATA: RGB = (255, 255, 255)
"""As the page: black is what dark water looks like in false colour."""
IGNORED = 255
"""Id of pixels with no label or no data."""

Panel = tuple[str, npt.NDArray[np.uint8], bool]
"""Caption, picture (H, W, 3), and whether its pixels may be smoothed where they are shrunk."""


def _draw_panel(
    figure: "Figure", rgb: npt.NDArray[np.uint8], caption: str, box: tuple[float, float, float, float], smooth: bool
) -> "Axes":
    """Put a picture into ``box`` = (left, bottom, width, height) in inches, its caption above it."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    # Class colours are never mixed. False colour is smoothed only where the panel has fewer pixels than the scene.
    shrunk = rgb.shape[0] > box[3] * DPI or rgb.shape[1] > box[2] * DPI
    axes.imshow(rgb, interpolation="antialiased" if smooth and shrunk else "nearest", aspect="equal")
    picture_axes(axes, caption)
    return axes


def _draw_legend(figure: "Figure", entries: Sequence[tuple[str, RGB]], below: float) -> None:
    """Names and colours, inches ``below`` the panels, in as many columns as fit, the rows filled evenly."""
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=(rgb[0] / 255, rgb[1] / 255, rgb[2] / 255), edgecolor="#888888", lw=0.4, label=name)
        for name, rgb in entries
    ]
    for rows in range(1, len(handles) + 1):
        legend = figure.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -(MARGIN + below) / figure.get_figheight()),
            ncols=-(-len(handles) // rows),
            fontsize=9,
            labelcolor=INK,
            frameon=False,
            handlelength=1.3,
            handleheight=1.0,
            columnspacing=1.4,
            borderpad=0,
            borderaxespad=0,
        )
        texts_as_they_are(figure)
        if rows == len(handles) or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def map_panels(
    false_colour: npt.NDArray[np.uint8],
    class_map: npt.NDArray[np.integer] | None,
    palette: Sequence[RGB],
    ground_truth: npt.NDArray[np.integer] | None,
) -> list[Panel]:
    """What is shown of a map: false colour, then ground truth, the map and its errors as far as they are known.

    Args:
        false_colour: (H, W, 3) uint8.
        class_map: Class ids 0..K-1, (H, W), 255 where there is no data; or None.
        palette: K colours.
        ground_truth: Class ids of the labels, (H, W), 255 where there is no label; or None.

    Raises:
        DataError: The shapes do not fit together, or an id has no colour.
    """
    given = (("the map", class_map, NO_DATA), ("ground truth", ground_truth, NO_LABEL))
    drawn = {what: colourise(ids, palette, ignored=missing) for what, ids, missing in given if ids is not None}
    for what, ids, _ in given:
        if ids is not None and false_colour.shape != (*ids.shape, 3):
            raise DataError(f"save_map_figure: false colour is {false_colour.shape}, {what} {ids.shape}")
    panels = [("False colour", false_colour, True)]
    if ground_truth is not None:
        panels.append(("Ground truth", drawn["ground truth"], False))
    if class_map is not None:
        panels.append(("Classification", drawn["the map"], False))
    if class_map is not None and ground_truth is not None:
        errors = error_map(class_map, ground_truth)
        errors[class_map == IGNORED] = NO_DATA
        panels.append(("Errors", errors, False))
    return panels


def legend_entries(
    class_map: npt.NDArray[np.integer] | None,
    ground_truth: npt.NDArray[np.integer] | None,
    class_names: Sequence[str],
    palette: Sequence[RGB],
) -> list[tuple[str, RGB]]:
    """Name and colour of the classes that occur, then ``no label`` and ``no data`` where they occur.

    The class with the largest area in the map comes first.

    Args:
        class_map: Class map, (H, W), or None.
        ground_truth: Class ids of the labels, (H, W), or None.
        class_names: K names.
        palette: K colours.
    """
    maps = [ids for ids in (class_map, ground_truth) if ids is not None]
    occurring = set().union(*(np.unique(ids).tolist() for ids in maps))
    areas = dict(zip(*np.unique(maps[0], return_counts=True), strict=True))
    order = sorted(occurring - {IGNORED}, key=lambda index: (-areas.get(index, 0), index))
    missing = ((ground_truth, "no label", NO_LABEL), (class_map, "no data", NO_DATA))
    found = [(name, colour) for ids, name, colour in missing if ids is not None and (ids == IGNORED).any()]
    return [*((class_names[i], palette[i]) for i in order), *found]


def save_map_figure(
    path: str | os.PathLike[str],
    *,
    false_colour: npt.NDArray[np.uint8],
    class_map: npt.NDArray[np.integer],
    class_names: Sequence[str],
    palette: Sequence[RGB] | None = None,
    ground_truth: npt.NDArray[np.integer] | None = None,
    title: str | None = None,
    frame: MapFrame | None = None,
) -> Path:
    """Draw false colour and class map side by side, one below the other for wide scenes; :func:`map_figure_png`.

    Args:
        path: File to write or replace, ``.png``, 150 dpi; its folder is made if missing.
        false_colour: (H, W, 3) uint8.
        class_map: Class ids 0..K-1, (H, W); 255 where there is no data, which is white.
        class_names: K names.
        palette: K RGB colours, 0-255; :func:`class_palette` if None.
        ground_truth: Class ids as in ``class_map``, (H, W); 255 where there is no label, which is black.
        title: Line above the panels.
        frame: Where the pixels lie, for scale bar, north arrow and coordinates. Default None: none are drawn.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` does not end in .png, or names and colours differ in number.
        DataError: The arrays' shapes do not fit together, or an id has no colour.
    """
    path = png_path(path)
    content = map_figure_png(false_colour, class_map, class_names, palette, ground_truth, title, frame)
    write_whole(path, content)
    return path


def map_figure_png(
    false_colour: npt.NDArray[np.uint8],
    class_map: npt.NDArray[np.integer] | None,
    class_names: Sequence[str],
    palette: Sequence[RGB] | None = None,
    ground_truth: npt.NDArray[np.integer] | None = None,
    title: str | None = None,
    frame: MapFrame | None = None,
) -> bytes:
    """Draw false colour and class map; with ground truth that too, and where the map is right and wrong.

    Of ``class_map`` and ``ground_truth`` one may be None.

    The legend names the classes that occur in the map or in the ground truth. pyplot and its state stay untouched. It
    takes the arguments and has the errors as of :func:`save_map_figure`, and gives the file's content.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    palette = class_palette(class_names) if palette is None else palette
    if len(palette) != len(class_names):
        raise ConfigError(f"save_map_figure: {len(class_names)} class names, but {len(palette)} colours")
    panels = map_panels(false_colour, class_map, palette, ground_truth)
    entries = legend_entries(class_map, ground_truth, class_names, palette)
    if class_map is not None and ground_truth is not None:
        entries += list(ERROR_COLOURS.items())
    height, width = false_colour.shape[:2]
    stacked = width > 1.8 * height
    scale = (PANEL_STACKED if stacked else PANEL) / max(height, width)
    panel_width = max(width * scale, PANEL_LEAST)  # a narrow strip still needs room for its caption
    panel_height = max(height * scale, 0.2)
    columns = 1 if stacked else 2  # four beside each other would be shown too small to read
    rows = -(-len(panels) // columns)
    size = (columns * (panel_width + GAP) - GAP, rows * (panel_height + CAPTION) - CAPTION)
    # The figure's box holds the panels alone, all of one size; captions, title and legend lie outside of it, and
    # the tight bounding box on saving takes in whatever room they need.
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)
    coordinates = False
    for index, (caption, rgb, smooth) in enumerate(panels):
        row, column = divmod(index, columns)
        bottom = size[1] - panel_height - row * (panel_height + CAPTION)
        axes = _draw_panel(
            figure, rgb, caption, (column * (panel_width + GAP), bottom, panel_width, panel_height), smooth
        )
        if frame is not None and index == 0:
            draw_scale_and_north(axes, frame, rgb.shape[:2])
        if frame is not None and index == (rows - 1) * columns:  # once is enough: at the lower left
            coordinates = draw_coordinates(axes, frame, rgb.shape[:2])
    if title:
        top = 1 + (CAPTION + 0.08) / size[1]
        figure.text(0.5, top, title, ha="center", va="bottom", fontsize=13, color=INK)
    _draw_legend(figure, entries, TICKS if coordinates else 0)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", pad_inches=MARGIN)
    return buffer.getvalue()
