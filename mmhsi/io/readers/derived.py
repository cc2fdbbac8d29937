"""The reader of cubes that are made of what other readers read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.io.readers.base import CubeReader

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable


class DerivedReader(CubeReader[None]):
    """A cube made of others, whose readers open their files when they are read and give them back when it is closed.

    Args:
        path: What the user named.
        sources: The readers.
    """

    def __init__(self, path: str | os.PathLike[str], sources: Iterable[CubeReader]) -> None:
        super().__init__(path)
        self._sources = list({id(source): source for source in sources}.values())

    @property
    def files(self) -> list[Path]:
        """All files on which what is read depends."""
        return list(dict.fromkeys([Path(self.path), *(file for source in self._sources for file in source.files)]))

    def handle(self) -> None:
        """Nothing is open here."""

    def _open(self) -> None:
        """As :meth:`handle`."""

    def close(self) -> None:
        """Give the files back; a later read opens them again."""
        for source in self._sources:
            source.close()

    def _unit_bytes(self) -> int:
        return max(source._unit_bytes() for source in self._sources)
