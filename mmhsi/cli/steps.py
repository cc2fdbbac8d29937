"""Lines with the time at which they were said; below them, on a terminal, how far the work is and how long it takes."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from mmhsi.progress import listening

from .console import BEGUN, duration, fitted, live, new_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

EVERY = 10
"""Seconds between two lines about rows, where nobody looks at a bar."""
SILENCE = 30
"""Seconds without a line after which one says what is being done, where nobody looks at a bar."""
FEW = 0.05
"""Share of the rows after which the time of the others is known."""


class Steps:
    """What a command of several steps says: a line a step, and a bar of the step that is running.

    Args:
        quiet: Whether it says nothing. Default False.
    """

    def __init__(self, quiet: bool = False) -> None:
        self.quiet, self.begin, self.told = quiet, BEGUN, time.monotonic()
        self.start: float | None = None
        self.first: tuple[float, float] | None = None
        self._shown: Progress | None = None
        self._task: TaskID | None = None

    def say(self, line: str) -> None:
        """Say that something was done."""
        if not self.quiet:
            text = f"{time.monotonic() - self.begin:6.1f} s  {line}"
            print(fitted(text, sys.stdout, " " * 12), flush=True)
            self.told = time.monotonic()

    def last(self, line: str) -> None:
        """Say what was written, also where nothing else is said."""
        self.quiet = False
        self.say(line)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show a step of which nobody knows how far it is, and for how long it has run.

        What :mod:`mmhsi.progress` is told meanwhile is shown in its place.
        """
        with self._bar(what):
            yield

    @contextmanager
    def rows(self, what: str) -> Iterator[None]:
        """Show a step that tells :meth:`moved` how far it is."""
        self.start = self.first = None
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
            self._shown.update(self._task, completed=done, total=total, text="")
        elif self.start is None:
            self.start = done  # not 0 where a run is resumed
        elif self.first is None:
            if done > self.start:  # a model has got ready, which is no measure of what follows
                self.first = done, now
        elif now - self.told > EVERY and self.first[0] + FEW * total < done < total:
            left = (now - self.first[1]) / (done - self.first[0]) * (total - done)
            self.say(f"  {100 * done / total:.0f} % of the rows, about {duration(left)} left")

    @contextmanager
    def _bar(self, what: str) -> Iterator[None]:
        if self.quiet:
            yield
            return
        if not live():
            with self._lines(what):
                yield
            return
        with new_progress() as shown:
            self._shown, self._task = shown, (task := shown.add_task(what, total=None, text=""))

            def hear(told: str, _done: float = 0, _total: float | None = None) -> None:
                shown.update(task, text=told)

            try:
                with listening(hear):
                    yield
            finally:
                self._shown = self._task = None

    @contextmanager
    def _lines(self, what: str) -> Iterator[None]:
        """Say now and then that a step is still running, where it says nothing itself."""
        now, over = [(what, time.monotonic())], Event()

        def hear(told: str, _done: float = 0, _total: float | None = None) -> None:
            if (told or what) != now[0][0]:
                now[0] = told or what, time.monotonic()

        def speak() -> None:
            while not over.wait(min(1, SILENCE)):
                if time.monotonic() - self.told > SILENCE:
                    doing, since = now[0]
                    self.say(f"  {doing}, for {duration(time.monotonic() - since)} so far")

        speaker = Thread(target=speak, daemon=True)
        speaker.start()
        try:
            with listening(hear):
                yield
        finally:
            over.set()
            speaker.join()
