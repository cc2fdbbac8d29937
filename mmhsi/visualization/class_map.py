"""Class maps as pictures: plain RGB, and a figure beside false colour and ground truth."""

import io
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError, DataError

from .palette import RGB, default_palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches.
PANEL, PANEL_STACKED = 3.8, 7.6  # the longer side of a panel
PANEL_LEAST = 1.4
GAP, CAPTION, MARGIN = 0.25, 0.3, 0.15
DPI = 150
INK = "#222222"


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


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` so that ``path`` appears complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
        DataError: ``rgb`` is not (H, W, 3) uint8.
    """
    from PIL import Image

    path = png_path(path)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise DataError(f"save_png: (H, W, 3) uint8 was expected, not {rgb.shape} {rgb.dtype}")
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(buffer, format="PNG")
    replace_file(path, buffer.getvalue())
    return path


def _draw_panel(
    figure: "Figure", rgb: npt.NDArray[np.uint8], caption: str, box: tuple[float, float, float, float], smooth: bool
) -> None:
    """Put a picture into ``box`` = (left, bottom, width, height) in inches, its caption above it."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
    # Class colours are never mixed. False colour is smoothed only where the panel has fewer pixels than the scene.
    shrunk = rgb.shape[0] > box[3] * DPI or rgb.shape[1] > box[2] * DPI
    axes.imshow(rgb, interpolation="antialiased" if smooth and shrunk else "nearest", aspect="equal")
    axes.set_title(caption, fontsize=10, color=INK, pad=5)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#888888", linewidth=0.6)


def _draw_legend(figure: "Figure", entries: Sequence[tuple[str, RGB]]) -> None:
    """Names and colours below the panels, in as many columns as fit their width, the rows filled evenly."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=np.array(rgb) / 255, edgecolor="#888888", lw=0.4, label=name) for name, rgb in entries]
    for rows in range(1, len(handles) + 1):
        legend = figure.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, -MARGIN / figure.get_figheight()),
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
        if rows == len(handles) or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def save_map_figure(
    path: str | os.PathLike[str],
    *,
    false_colour: npt.NDArray[np.uint8],
    class_map: npt.NDArray[np.integer],
    class_names: Sequence[str],
    palette: Sequence[RGB] | None = None,
    ground_truth: npt.NDArray[np.integer] | None = None,
    title: str | None = None,
    ignore_index: int = 255,
) -> Path:
    """Draw false colour, ground truth if given, and class map side by side (one below the other for wide scenes).

    The legend names the classes that occur in the map or in the ground truth. pyplot and its state stay untouched.

    Args:
        path: File to write or replace, ``.png``, 150 dpi; its folder is made if missing.
        false_colour: (H, W, 3) uint8.
        class_map: Class ids 0..K-1 or ``ignore_index``, (H, W).
        class_names: K names.
        palette: K RGB colours, 0-255; :func:`default_palette` if None.
        ground_truth: Class ids as in ``class_map``, (H, W).
        title: Line above the panels.
        ignore_index: Id of pixels with no label; they are black.

    Returns:
        ``path``.

    Raises:
        ConfigError: ``path`` does not end in .png, or names and colours differ in number.
        DataError: The arrays' shapes do not fit together, or an id has no colour.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    path = png_path(path)
    palette = default_palette(len(class_names)) if palette is None else palette
    if len(palette) != len(class_names):
        raise ConfigError(f"save_map_figure: {len(class_names)} class names, but {len(palette)} colours")
    painted = colourise(class_map, palette, ignore_index)
    height, width = class_map.shape
    if false_colour.shape != (height, width, 3):
        raise DataError(f"save_map_figure: false colour is {false_colour.shape}, the map {class_map.shape}")
    if ground_truth is not None and ground_truth.shape != class_map.shape:
        raise DataError(f"save_map_figure: ground truth is {ground_truth.shape}, the map {class_map.shape}")

    panels = [("False colour", false_colour, True)]
    occurring = set(np.unique(class_map).tolist())
    if ground_truth is not None:
        panels.append(("Ground truth", colourise(ground_truth, palette, ignore_index), False))
        occurring |= set(np.unique(ground_truth).tolist())
    panels.append(("Classification", painted, False))

    entries = [(class_names[i], palette[i]) for i in sorted(occurring - {ignore_index})]
    if ignore_index in occurring:
        entries.append(("no label", (0, 0, 0)))
    stacked = width > 1.8 * height
    scale = (PANEL_STACKED if stacked else PANEL) / max(height, width)
    panel_width = max(width * scale, PANEL_LEAST)  # a narrow strip still needs room for its caption
    panel_height = max(height * scale, 0.2)
    step = (0.0, panel_height + CAPTION) if stacked else (panel_width + GAP, 0.0)
    size = (panel_width + step[0] * (len(panels) - 1), panel_height + step[1] * (len(panels) - 1))
    # The figure's box holds the panels alone, all of one size; captions, title and legend lie outside of it, and
    # the tight bounding box on saving takes in whatever room they need.
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)
    for index, (caption, rgb, smooth) in enumerate(panels):
        bottom = size[1] - panel_height - index * step[1]
        _draw_panel(figure, rgb, caption, (index * step[0], bottom, panel_width, panel_height), smooth)
    if title:
        top = 1 + (CAPTION + 0.08) / size[1]
        figure.text(0.5, top, title, ha="center", va="bottom", fontsize=13, color=INK)
    _draw_legend(figure, entries)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", pad_inches=MARGIN)
    replace_file(path, buffer.getvalue())
    return path
