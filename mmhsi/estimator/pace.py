"""A candidate's time: how long it will take is foretold while it runs, and what would be late is ended."""

from __future__ import annotations

import math
import time

from mmhsi.errors import MMHSIError

UNKNOWN = 0.1
"""Share of the time in which nothing is foretold: what is imported or made once would be taken for slowness."""


class OutOfTimeError(MMHSIError):
    """A candidate would take longer than there is time."""


class Pace:
    """Is told how far a candidate is, and ends it where it would not be done in time.

    Args:
        seconds: That all parts may take. Default: as long as they like.
        parts: Fits of equal length that have to be done in them, such as one a fold. Default 1.
    """

    def __init__(self, seconds: float = math.inf, parts: int = 1) -> None:
        self.seconds, self.parts, self.done = seconds, parts, 0
        self.begin = time.monotonic()

    def __call__(self, share: float) -> None:
        """Foretell the end.

        Args:
            share: Of the part that is under way which is done, above 0 to 1.

        Raises:
            OutOfTimeError: If it is too late.
        """
        passed = time.monotonic() - self.begin
        whole = passed / (self.done + share) * self.parts
        if passed > UNKNOWN * self.seconds and whole > self.seconds:
            raise OutOfTimeError(f"would take about {whole:.0f} s")

    def part_is_done(self) -> None:
        """Count a part.

        Raises:
            OutOfTimeError: If the others would be too late.
        """
        self(1.0)
        self.done += 1
