"""What a case is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzz.entries import SCENE_ENTRIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A hostile file and what has to come of it.

    Attributes:
        name: What is hostile about it.
        build: Writes it into an empty folder and gives the path to open.
        refused: Whether every entry has to refuse it; None where some take it.
        entries: Names of the ways to use it.
        key: Variable of a ``.mat`` file.
        megabytes: Memory that all entries together may take.
        unprivileged: Whether it is opened by a user without rights.
    """

    name: str
    build: Callable[[Path], Path]
    refused: bool | None = True
    entries: tuple[str, ...] = SCENE_ENTRIES
    key: str | None = None
    megabytes: int = 192
    unprivileged: bool = False
