"""Colours that classes have by what their names mean: water is blue, trees are dark green."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .palette import RGB, colour_distance, default_palette, further_colours

if TYPE_CHECKING:
    from collections.abc import Sequence

MEANINGS: tuple[tuple[str, RGB], ...] = (
    ("shadows?|schatten", (64, 64, 64)),
    ("clouds?|wolken?", (236, 236, 236)),
    ("snow|ice|glacier|schnee|eis|gletscher", (200, 236, 255)),
    ("wetland|swamp|marsh|bog|mangrove|moor|feuchtgebiet", (84, 148, 150)),
    ("running track|tennis court|synthetic turf", (205, 92, 120)),
    ("water|river|lake|sea|ocean|wasser|gewässer|fluss|see|eau|agua|waters", (38, 110, 210)),
    (
        "tree|trees|forest|woods?|woodland|broadleaf|deciduous|conifer\\w*|wald|bäume?|laubwald|nadelwald|forêt|bosque",
        (20, 98, 40),
    ),
    ("shrub\\w*|scrub|bush|heath\\w*|busch|heide", (124, 140, 62)),
    (
        "grass\\w*|meadows?|pasture|lawn|turf|wiese|grünland|weide|prairie|prado|herb\\w*|vegetation|vegetación|végétation",
        (120, 190, 70),
    ),
    (
        "crops?|cropland|corn|wheat|oats|soybeans?|maize|hay|agricultur\\w*|arable|acker|ackerland|getreide|lettuce|"
        "celery|broccoli|brocoli|farmland|fields?",
        (214, 190, 60),
    ),
    ("vineyards?|grapes?|orchards?|weinberg\\w*|obst", (148, 70, 134)),
    ("sand|beach|dune|strand", (240, 220, 150)),
    ("soil|bare|fallow|barren|boden|brache", (166, 116, 66)),
    ("rock|stone|gravel|mine|quarry|fels|kies", (150, 140, 128)),
    (
        "roof\\w*|residential|commercial|buildings?|built|urban|settlement|imperv\\w*|industrial|siedlung|gebäude|dach",
        (196, 60, 52),
    ),
    ("roads?|asphalt|bitumen|highway|parking|pavement|straße|strasse|weg", (110, 110, 118)),
    ("rail\\w*|bahn", (92, 70, 110)),
)
"""Words of class names, in several languages, and their colour; the first line that has one of a name's words holds."""

_SHADES = (0.0, 0.5, -0.4)
"""Shares of white, or of black below 0, in the colours of further classes of one meaning; more are not told apart."""
_APART = 25.0
"""Least distance in L*a*b* of a colour with a meaning from those before it."""


def class_palette(names: Sequence[str]) -> list[RGB]:
    """A colour a class, by the meaning of its name where that is known; always the same for the same names.

    A second and a third class of one meaning get a lighter and a darker shade; all further ones, and classes without a
    known meaning, the colours farthest from those taken, found as by :func:`mmhsi.visualization.default_palette`.
    ``palette=`` in the description of a scene takes the place of all this.

    Args:
        names: Class names.

    Returns:
        RGB colours, 0 to 255, all different; those of :func:`default_palette` if no name has a known meaning.
    """
    meant: list[RGB | None] = [None] * len(names)
    taken: list[RGB] = []
    for index, name in enumerate(names):
        meant[index] = _meant(str(name), taken)
        taken += [colour for colour in [meant[index]] if colour is not None]
    if not taken:
        return default_palette(len(names))
    others = iter(further_colours(taken, meant.count(None)))
    return [next(others) if colour is None else colour for colour in meant]


def _meant(name: str, taken: list[RGB]) -> RGB | None:
    text = re.sub(r"[_\-./]+", " ", name.lower())
    for words, colour in MEANINGS:
        if re.search(rf"\b(?:{words})\b", text):
            return next((shade for share in _SHADES if _is_apart(shade := _shade(colour, share), taken)), None)
    return None


def _shade(colour: RGB, share: float) -> RGB:
    towards = 255 if share > 0 else 0
    red, green, blue = (round(value + (towards - value) * abs(share)) for value in colour)
    return red, green, blue


def _is_apart(colour: RGB, taken: list[RGB]) -> bool:
    return not taken or bool((colour_distance(np.array([colour]), np.array(taken)) >= _APART).all())
