"""How a cube's values have come about: what a model was trained on and what it is given are not to be mixed up."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mmhsi.io.cube import CubeInfo

COUNTS = "counts"
"""Whole numbers as they are stored."""
FLOATS = "floats"
"""Numbers as they are stored, of unknown units."""
SCALED = "scaled"
"""By a scale or an offset that the file declares."""
REFERENCED = "referenced"
"""Reflectance by a dark and a white reference."""

ORIGINS = (COUNTS, FLOATS, SCALED, REFERENCED)


def shared_origin(infos: Iterable[CubeInfo]) -> str:
    """Origin of the values of several cubes, empty where it differs.

    Args:
        infos: What their files say of them.
    """
    origins = {info.values for info in infos}
    return origins.pop() if len(origins) == 1 else ""


def mixed_up(trained: str, here: str) -> str | None:
    """Say what is wrong where counts stand in for values with a unit, or the other way round.

    Args:
        trained: Origin of the values of the training; an empty one is unknown, and goes with all.
        here: Origin of a scene's.

    Returns:
        A part of a sentence that names the way out; None where the values may be of one kind.
    """
    if {trained, here} not in ({COUNTS, SCALED}, {COUNTS, REFERENCED}):
        return None
    if here == REFERENCED:
        return "comes as reflectance by its references, the model was trained on raw values; give --white none"
    if here == SCALED:
        return "has values with their scale, the model was trained on whole numbers without one; give --scale FACTOR"
    if trained == REFERENCED:
        return (
            "has raw values, the model was trained on reflectance by a dark and a white reference; name them with "
            "--white and --dark, or give --scale FACTOR if it is reflectance"
        )
    return "has whole numbers without a scale, the model was trained on values with theirs; give --scale FACTOR"
