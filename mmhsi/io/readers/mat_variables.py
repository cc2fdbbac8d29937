"""Which variable of a MATLAB file is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mmhsi.errors import DataError

_AXES = {2: "two axes (H, W)", 3: "three axes (H, W, C)"}
_NOUN = {2: "label map", 3: "cube"}


@dataclass(frozen=True)
class Variable:
    """A variable as a file lists it.

    Attributes:
        name: Its key.
        shape: Its shape as MATLAB shows it.
        kind: MATLAB's class, such as ``double`` or ``cell``.
        numeric: Whether it holds numbers.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    numeric: bool

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape))} {self.kind})"

    @property
    def shape_as_cube(self) -> tuple[int, int, int]:
        """(H, W, C), a map being a cube of one band."""
        height, width, *bands = self.shape
        return height, width, bands[0] if bands else 1

    def fits(self, ndim: Literal[2, 3]) -> bool:
        """Whether the shape is that of a cube (3) or of a map (2), which may carry a last axis of length 1.

        Args:
            ndim: Axes wanted.
        """
        return len(self.shape) == ndim or (ndim == 2 and len(self.shape) == 3 and self.shape[2] == 1)


def choose_variable(path: str, variables: Sequence[Variable], key: str | None, ndim: Literal[2, 3]) -> Variable:
    """Find the variable that a caller means.

    Args:
        path: The file, for the messages.
        variables: What it holds.
        key: The wanted name; None means the only numeric variable that fits. MATLAB has no scalars or vectors, only
            1×1 and 1×N arrays: those are no candidates for a map.
        ndim: 3 for a cube, 2 for a map.

    Returns:
        The variable.

    Raises:
        DataError: It is not there, does not fit, or several or none fit where no key was given.
    """
    listed = ", ".join(map(str, variables)) or "nothing"
    if key is not None:
        found = next((variable for variable in variables if variable.name == key), None)
        if found is None:
            raise DataError(f"{path}: no variable {key!r}; the file holds {listed}")
        if not found.numeric:
            raise DataError(f"{path}: variable {found} holds no numbers; the file holds {listed}")
        if not found.fits(ndim):
            raise DataError(f"{path}: variable {found} is no {_NOUN[ndim]}: expected {_AXES[ndim]}")
        return found
    fitting = [item for item in variables if item.numeric and item.fits(ndim) and min(item.shape[:2]) > 1]
    if len(fitting) != 1:
        count = "no variable" if not fitting else f"{len(fitting)} variables"
        raise DataError(
            f"{path}: {count} with {_AXES[ndim]}, expected one {_NOUN[ndim]}; name it with key=, here are {listed}"
        )
    return fitting[0]
