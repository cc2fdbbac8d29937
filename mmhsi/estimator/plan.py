"""What there is time for, decided once and kept, so that a run that goes on decides alike."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from mmhsi.errors import DataError
from mmhsi.io.json_file import read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRYING = 0.5
"""Share of the time by whose end classical candidates have been tried; networks get what the map then leaves."""

CHANNELS = 0.4
"""Share of the time that the channels of a scene may take, those for learning and those for its map."""

RESERVE = 0.05
"""Share of the time that is kept for reading, writing and the report."""


class Clock:
    """The budget of a run.

    Args:
        minutes: All of it.
    """

    def __init__(self, minutes: float) -> None:
        self.seconds = 60 * minutes
        self.begin = time.monotonic()

    @property
    def passed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.begin

    def left(self, share: float = 1.0) -> float:
        """Seconds until a share of the budget is used up.

        Args:
            share: 0 to 1.
        """
        return share * self.seconds - self.passed


class Plan:
    """Decisions that depend on how long something took, in a file.

    Args:
        path: The file, ``.json``.
        inputs: Options and inputs by name; decisions of a run that had other ones are not followed.
        resume: Whether decisions of an interrupted run are followed.

    Attributes:
        begun: Why nothing of an interrupted run is followed, in words; empty where it is, or was not asked for.
    """

    def __init__(self, path: Path, inputs: Mapping[str, object], resume: bool) -> None:
        self.path, self.begun = path, ""
        marks = {name: hashlib.sha256(repr(value).encode()).hexdigest()[:16] for name, value in inputs.items()}
        self._kept: dict[str, Any] = dict(inputs=marks)
        if resume:
            kept = self._read()
            if kept is None:
                self.begun = f"no interrupted run is known in {path.parent}: begun anew"
            elif other := [name for name, mark in marks.items() if kept["inputs"].get(name) != mark]:
                self.begun = f"the interrupted run had other {', '.join(other)}: what depends on that is done anew"
            else:
                self._kept = kept
        self._write()

    def _read(self) -> dict[str, Any] | None:
        """What a run has written; None where there is nothing, or it is damaged."""
        try:
            return read_state(self.path, "decisions of a run")
        except DataError:
            return None

    def get(self, name: str, default: object = None) -> Any:
        """A decision that was kept.

        Args:
            name: Its name.
            default: What is given where there is none.
        """
        return self._kept.get(name, default)

    def keep(self, name: str, value: object) -> None:
        """Write a decision down.

        Args:
            name: Its name.
            value: Plain data.
        """
        self._kept = {**self._kept, name: value}
        self._write()

    def _write(self) -> None:
        write_state(self.path, self._kept)
