"""All cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz import arrays, checkpoints, mat, paths, rasters, tables, values

if TYPE_CHECKING:
    from fuzz.case import Case

CASES: list[Case] = [
    case for family in (rasters, mat, arrays, tables, values, paths, checkpoints) for case in family.CASES
]
