"""Lines with the time at which they were said; below them, on a terminal, how far the work is and how long it takes."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import BEGUN, fitted, live, new_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

EVERY = 10
"""Seconds between two lines about rows, where nobody looks at a bar."""
FEW = 0.05
"""Share of the rows after which their time is known: before the first of them a model gets ready."""


class Steps:
    """What a command of several steps says: a line a step, and a bar of the step that is running.

    Args:
        quiet: Whether it says nothing. Default False.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet, self.begin, self.told = quiet, BEGUN, time.monotonic()
        self.first: tuple[float, float] | None = None
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        """Say that something was done."""
        if not self.quiet:
            text = f"{time.monotonic() - self.begin:6.1f} s  {line}"
            print(fitted(text, sys.stdout, " " * 12), flush=True)

    def last(self, line: str) -> None:
        """Say what was written, also where nothing else is said."""
        self.quiet = False
        self.say(line)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show a step of which nobody knows how far it is, and for how long it has run."""
        with self._bar(what):
            yield

    @contextmanager
    def rows(self, what: str) -> Iterator[None]:
        """Show a step that tells :meth:`moved` how far it is."""
        self.first = None
        with self._bar(what):
            yield

    def moved(self, done: float, total: float) -> None:
        """Say how far the rows are; on a terminal the bar does, else now and then a line.

        Args:
            done: Rows that are done, of one in work its part.
            total: Rows in all.
        """
        now = time.monotonic()
        if self._shown is not None and self._task is not None:
            self._shown.update(self._task, completed=done, total=total)
        elif self.first is None:
            self.first = done, now  # not 0 where a run is resumed
        elif now - self.told > EVERY and self.first[0] + FEW * total < done < total:
            left = (now - self.first[1]) / (done - self.first[0]) * (total - done)
            self.say(f"  {100 * done / total:.0f} % of the rows, about {left:.0f} s left")
            self.told = now

    @contextmanager
    def _bar(self, what: str) -> Iterator[None]:
        if self.quiet or not live():
            yield
            return
        with new_progress() as self._shown:
            self._task = self._shown.add_task(what, total=None, text="")
            try:
                yield
            finally:
                self._shown = self._task = None
