"""Class colours that stay apart, for colour-blind eyes too."""

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mmhsi.errors import ConfigError

RGB = tuple[int, int, int]

# Okabe and Ito, "Color Universal Design" (2008), without black, which marks pixels with no label.
OKABE_ITO: tuple[RGB, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
PROTANOPIA = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
SRGB_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
GRID_LEVELS = (0, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240, 255)
LIGHTNESS = (28.0, 92.0)  # L* of candidates: apart from black (no label) and from a white page
CHROMA = 90.0  # no glaring colours: a class is not more important for being drawn later


def _linear(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SRGB 0-255 to linear RGB 0-1, (N, 3)."""
    scaled = rgb / 255
    return np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)


def _lab(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Linear RGB 0-1 to CIE L*a*b* under D65, (N, 3)."""
    xyz = np.clip(linear, 0, 1) @ SRGB_TO_XYZ.T / SRGB_TO_XYZ.sum(1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def default_palette(n: int) -> list[RGB]:
    """N distinct RGB colours, always the same; fewer colours are the beginning of more.

    The first seven are Okabe and Ito's. Each further one is, of a grid of colours that are neither nearly black nor
    nearly white nor glaring, the one farthest in L*a*b* from all before it, where the distance is the least of those
    seen with normal vision, deuteranopia and protanopia. Beyond about twenty classes no palette keeps all pairs apart.

    Args:
        n: Number of colours.

    Returns:
        ``n`` tuples (red, green, blue), 0-255.

    Raises:
        ConfigError: ``n`` is negative, or more than the grid holds (over a thousand).
    """
    if n < 0:
        raise ConfigError(f"default_palette: {n} colours were asked for")
    return [*OKABE_ITO[:n], *further_colours(OKABE_ITO, n - len(OKABE_ITO))]


def further_colours(taken: Sequence[RGB], n: int) -> list[RGB]:
    """N colours that stay apart from those that are taken and from each other, as :func:`default_palette` says.

    Args:
        taken: At least one colour.
        n: Number of further ones; none below 1.

    Raises:
        ConfigError: There are not so many.
    """
    if n < 1:
        return []
    free = [colour for colour in (*OKABE_ITO, *itertools.product(GRID_LEVELS, repeat=3)) if colour not in taken]
    grid = np.array(free, dtype=np.float64)  # (N, 3)
    lightness, *ab = _lab(_linear(grid)).T
    grid = grid[(lightness >= LIGHTNESS[0]) & (lightness <= LIGHTNESS[1]) & (np.hypot(*ab) <= CHROMA)]
    if n > len(grid):
        raise ConfigError(f"{len(taken) + n} class colours were asked for, {len(taken) + len(grid)} can be given")
    seen = _seen(grid)
    nearest = np.linalg.norm(seen[:, :, None] - _seen(np.array(taken, dtype=np.float64))[:, None], axis=-1).min((0, 2))
    palette: list[RGB] = []
    for _ in range(n):
        pick = int(nearest.argmax())
        red, green, blue = grid[pick].astype(int).tolist()
        palette.append((red, green, blue))
        nearest = np.minimum(nearest, np.linalg.norm(seen - seen[:, pick, None], axis=-1).min(0))
        nearest[pick] = -1  # never again, even where colours coincide to a colour-blind eye
    return palette


def _seen(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """L*a*b* of colours (N, 3) with normal vision, deuteranopia and protanopia, (3, N, 3)."""
    linear = _linear(rgb)
    return np.stack([_lab(linear), _lab(linear @ DEUTERANOPIA.T), _lab(linear @ PROTANOPIA.T)])


def colour_distance(colours: npt.NDArray[np.integer], others: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Distance in CIE L*a*b* of each colour from each other one.

    Args:
        colours: RGB, 0 to 255, (N, 3).
        others: Likewise, (M, 3).

    Returns:
        (N, M); about 2 is just seen.
    """
    seen = [_lab(_linear(part.astype(np.float64))) for part in (colours, others)]
    return np.linalg.norm(seen[0][:, None] - seen[1][None], axis=-1)
