"""How a cube is opened, beside which file and which variable."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from os import PathLike, fspath
from typing import TYPE_CHECKING

from mmhsi.arguments import is_whole, nearest
from mmhsi.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OVERLAPS = ("longer", "shorter", "both")
"""Which detector's bands are good where two detectors measure the same wavelengths."""

MASKS = ("cloud", "shadow", "haze", "cirrus", "snow", "saturation")
"""What quality layers of products may mark."""

PRODUCTS = ("mask", "ortho", "overlap")
"""Options of sensors' products."""

REFERENCES = ("dark", "white")
"""Options of a lab camera's raw files."""

NO_REFERENCE = "none"
"""What ``white`` says where raw values are wanted although references lie beside them."""


@dataclass(frozen=True)
class CubeOptions:
    """Options of :func:`mmhsi.io.open_cube`, in one hashable piece.

    Attributes:
        mask: Which quality layers make a pixel invalid, of :data:`MASKS`. Default: none.
        ortho: Whether a product in the sensor's geometry is put onto the map grid by its lookup table. Default True.
        overlap: Where two detectors measure the same wavelengths, whose bands are good: of the ``"longer"``
            wavelengths (default), of the ``"shorter"``, or of ``"both"``.
        shape: (rows, columns) of a cube that is stored as a matrix of pixels.
        dark: Dark reference of a lab camera's raw data. Default None: the one that lies beside it.
        white: White reference, likewise; ``"none"`` to read raw values as they are.

    Raises:
        ConfigError: A value cannot be meant.
    """

    mask: tuple[str, ...] = ()
    ortho: bool = True
    overlap: str = "longer"
    shape: tuple[int, int] | None = None
    dark: str | None = None
    white: str | None = None

    def __post_init__(self) -> None:
        mask = (self.mask,) if isinstance(self.mask, str) else tuple(self.mask)
        if unknown := [name for name in mask if name not in MASKS]:
            raise ConfigError(f"mask: {unknown[0]!r} is unknown{nearest(unknown[0], MASKS)}")
        if not isinstance(self.ortho, bool):
            raise ConfigError(f"ortho={self.ortho!r} given, expected True or False")
        if self.overlap not in OVERLAPS:
            raise ConfigError(f"overlap: {self.overlap!r} is unknown{nearest(str(self.overlap), OVERLAPS)}")
        object.__setattr__(self, "mask", mask)
        if self.shape is not None:
            shape = tuple(self.shape)
            if len(shape) != 2 or not all(is_whole(side) and side >= 1 for side in shape):
                raise ConfigError(f"shape={self.shape!r} given, expected (rows, columns)")
            object.__setattr__(self, "shape", (int(shape[0]), int(shape[1])))
        for name in REFERENCES:
            value = getattr(self, name)
            if isinstance(value, PathLike):
                object.__setattr__(self, name, fspath(value))
            elif value is not None and not isinstance(value, str):
                raise ConfigError(f"{name}={value!r} given, expected the path of a file")
        if self.dark is not None and self.white == NO_REFERENCE:
            raise ConfigError(f"dark={self.dark!r} says nothing where white={NO_REFERENCE!r} asks for raw values")

    @classmethod
    def of(cls, options: Mapping[str, object] | CubeOptions | None) -> CubeOptions:
        """Options from a config's dict.

        Args:
            options: The dict; None for the defaults.

        Raises:
            ConfigError: A name is unknown.
        """
        if isinstance(options, CubeOptions):
            return options
        known = [item.name for item in fields(cls)]
        for name in options or {}:
            if name not in known:
                raise ConfigError(f"image_options: {name!r} is unknown, expected some of {', '.join(known)}")
        return cls(**dict(options or {}))  # type: ignore[arg-type]

    def under(self, root: Path) -> CubeOptions:
        """The options with the paths of references relative to a folder.

        Args:
            root: The folder.
        """

        def placed(value: str | None) -> str | None:
            return value if value in (None, NO_REFERENCE) else str(root / str(value))

        return replace(self, dark=placed(self.dark), white=placed(self.white))

    def given(self) -> dict[str, object]:
        """The options that are not the default, as plain data."""
        default = CubeOptions()
        found = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value != getattr(default, name)
        }

    def recipe(self) -> dict[str, object]:
        """Of :meth:`given` what holds for other scenes too: a model remembers it, and its maps are made alike."""
        held = {name: value for name, value in self.given().items() if name in PRODUCTS}
        return {**held, "white": NO_REFERENCE} if self.white == NO_REFERENCE else held
