"""Lines with the time at which they were said; below them, on a terminal, how far the work is and how long it takes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import live, new_progress

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
        self.quiet, self.begin = quiet, time.monotonic()
        self.told = self.begin
        self.first: tuple[float, float] | None = None
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        """Say that something was done."""
        if not self.quiet:
            print(f"{time.monotonic() - self.begin:6.1f} s  {line}", flush=True)

    @contextmanager
    def within(self, what: str, seconds: float) -> Iterator[None]:
        """Show a step that takes so long at most: its bar moves by the clock."""
        with self._bar(what, seconds, clock=True):
            yield

    @contextmanager
    def rows(self, what: str) -> Iterator[None]:
        """Show a step that tells :meth:`moved` how far it is."""
        self.first = None
        with self._bar(what, None):
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
    def _bar(self, what: str, total: float | None, clock: bool = False) -> Iterator[None]:
        if self.quiet or not live():
            yield
            return
        with new_progress(clock) as self._shown:
            self._task = self._shown.add_task(what, total=total, text="")
            try:
                yield
            finally:
                self._shown = self._task = None
