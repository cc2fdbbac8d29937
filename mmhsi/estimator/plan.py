"""What there is time for, decided once and kept, so that a run that goes on decides alike."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from mmhsi.errors import DataError
from mmhsi.io.json_file import is_number, read_state, write_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

TRYING = 0.5
"""Share of the time by whose end classical candidates have been tried; networks get what the map then leaves."""

CHANNELS = 0.4
"""Share of the time that the channels of a scene may take, those for learning and those for its map."""

RESERVE = 0.05
"""Share of the time that is kept for reading, writing and the report."""


def _is_any(_: object) -> bool:
    return True


def _is_time(value: object) -> bool:
    return is_number(value) and value >= 0


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


KINDS: dict[str, Callable[[object], bool]] = {
    "inputs": lambda value: isinstance(value, dict),
    "seconds a pixel": _is_time,
    "left out": _are_names,
    "too slow for the map": _are_names,
    "weighed": lambda value: isinstance(value, bool),
}
"""What a decision can be; a file with any other is not followed, whoever wrote it."""


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
                self.begun = (
                    f"the earlier run was given other values of {', '.join(other)}: what depends on that is done anew"
                )
            else:
                self._kept = kept
        self._write()

    def _read(self) -> dict[str, Any] | None:
        """What a run has written; None where there is nothing, or it is damaged."""
        try:
            kept = read_state(self.path, "decisions of a run")
        except DataError:
            return None
        return (
            kept if all(KINDS.get(name, _is_any)(value) for name, value in ({"inputs": None} | kept).items()) else None
        )

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
