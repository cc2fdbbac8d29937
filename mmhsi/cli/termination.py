"""SIGTERM, which schedulers send before a job's time is over: end well, with a status that says "again"."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

AGAIN = 75
"""Exit status of a command that was ended and goes on when it is given again (EX_TEMPFAIL of sysexits.h)."""


class Terminated(BaseException):
    """SIGTERM arrived; like KeyboardInterrupt, what is being done is put in order and left."""


class Termination:
    """What SIGTERM does in a command: it raises :class:`Terminated`, or, within :meth:`waiting`, is kept in mind."""

    def __init__(self) -> None:
        self.arrived = False
        self._wait = False
        self._process = 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signal within the block; in other threads than the main one nothing is changed."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._process = os.getpid()
        before = signal.signal(signal.SIGTERM, self._handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    @contextmanager
    def waiting(self) -> Iterator[Callable[[], bool]]:
        """Within the block nothing is interrupted; what is given says whether the signal has arrived.

        Processes that are forked within it, to load data, do not end by a signal that goes to all processes of a job,
        only by one of their parent's: else the run could not finish what it is at.
        """
        _waiting.append(self)
        self._wait = True
        try:
            yield lambda: self.arrived
        finally:
            self._wait = False
            _waiting.remove(self)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a fork, which is to end as if there were no handler
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self.arrived = True
        if not self._wait:
            raise Terminated


_waiting: list[Termination] = []


def _in_child() -> None:
    if _waiting:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_obey_parent, daemon=True).start()


def _obey_parent() -> None:
    parent = os.getppid()
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        pass
    os._exit(0)


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_in_child)

TERMINATION = Termination()
"""That of the command."""
