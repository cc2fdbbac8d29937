"""Which variable of a file is meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mmhsi.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

AXES = {2: "two axes (H, W)", 3: "three axes (H, W, C)"}
NOUN = {2: "label map", 3: "cube"}
_PREVIEWS = ("preview", "overview", "thumbnail", "thumb", "quicklook", "browse")
NUMERIC_CLASSES = frozenset(
    {"double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)
"""MATLAB's classes of numbers."""
_MOST_LISTED = 40


@dataclass(frozen=True)
class Variable:
    """A variable as a file lists it.

    Attributes:
        name: Its key.
        shape: Its shape as MATLAB shows it; of other HDF5 files as it is stored.
        kind: MATLAB's class, such as ``double`` or ``cell``, or the type.
        numeric: Whether it holds numbers.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    numeric: bool

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape))} {self.kind})"

    def fits(self, ndim: Literal[2, 3]) -> bool:
        """Whether the shape can be that of a cube (3) or of a map (2), beside axes of length 1.

        Args:
            ndim: Axes wanted.
        """
        return len(self.shape) == ndim or (len(self.shape) > ndim and self._long() <= ndim)

    def rivals(self, ndim: Literal[2, 3]) -> bool:
        """Whether it might be what is meant where a cube or a map is wanted: numbers with so many axes or more.

        MATLAB has no scalars or vectors, only 1×1 and 1×N arrays: those are no candidates.

        Args:
            ndim: Axes wanted.
        """
        if not self.numeric or len(self.shape) < ndim:
            return False
        return self._long() >= 3 if ndim == 3 and len(self.shape) > 3 else self._long() >= 2

    def _long(self) -> int:
        """Axes of more than one entry."""
        return sum(length != 1 for length in self.shape)


def is_preview(name: str) -> bool:
    """Whether a name is that of a small picture of the data.

    Args:
        name: Of a variable.
    """
    last = name.rpartition("/")[2].lower()
    return any(word in last for word in _PREVIEWS)


def choose_variable(
    path: str,
    variables: Sequence[Variable],
    key: str | None,
    ndim: Literal[2, 3],
    hint: str = "",
    column_major: bool = True,
) -> Variable:
    """Find the variable that a caller means.

    Args:
        path: The file, for the messages.
        variables: What it holds.
        key: The wanted name; None means the only numeric variable that fits.
        ndim: 3 for a cube, 2 for a map.
        hint: What else the user can say, for the messages.
        column_major: Whether shapes are (H, W, C) by MATLAB's rule.

    Returns:
        The variable.

    Raises:
        DataError: It is not there, does not fit, or several or none fit where no key was given.
    """
    shown = ", ".join(map(str, variables[:_MOST_LISTED])) or "nothing"
    listed = shown + (f" and {len(variables) - _MOST_LISTED} more" if len(variables) > _MOST_LISTED else "")
    axes = AXES[ndim] if column_major else AXES[ndim].partition(" (")[0]
    if key is not None:
        found = next((variable for variable in variables if variable.name == key), None)
        if found is None:
            raise DataError(f"{path}: no variable {key!r}; the file holds {listed}")
        if not found.numeric:
            raise DataError(f"{path}: variable {found} holds no numbers; the file holds {listed}")
        if not found.fits(ndim):
            raise DataError(f"{path}: variable {found} is no {NOUN[ndim]}: expected {axes}")
        return found
    rivals = [item for item in variables if item.rivals(ndim)]
    if not rivals and not column_major:  # a scene of one pixel or one row, where arrays have the axes they were given
        rivals = [item for item in variables if item.numeric and len(item.shape) >= ndim]
    if ndim == 2:
        # A cube beside a label map is no rival of it.
        rivals = [item for item in rivals if item.fits(2)]
    fitting = [item for item in rivals if item.fits(ndim) and not is_preview(item.name)]
    if len(rivals) == 1 and len(fitting) == 1:
        return fitting[0]
    count = "no variable" if not rivals else f"{len(rivals)} variables" if len(rivals) > 1 else "no sure variable"
    more = f" and {hint}" if hint else ""
    if ndim == 3 and not rivals and any(item.numeric and item.fits(2) and item.rivals(2) for item in variables):
        more += ", a matrix of pixels with shape=(rows, columns) too"
    raise DataError(
        f"{path}: {count} with {axes}, expected one {NOUN[ndim]}; name it with key= "
        f"(--key, --labels-key, --second-key){more}, here are {listed}"
    )
