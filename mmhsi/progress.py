"""How far long work is: told to whoever asked to hear of it, and to nobody else."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

T = TypeVar("T")


class Listener(Protocol):
    """Hears how far the work is."""

    def __call__(self, what: str, done: float = 0, total: float | None = None, /) -> None:
        """Hear of it.

        Args:
            what: The work, such as ``'averaging spectra'``; empty where it is over.
            done: How much is done.
            total: Of how much. Default None: that is not known.
        """


def _nobody(what: str, done: float = 0, total: float | None = None) -> None:
    pass


_LISTENER: ContextVar[Listener] = ContextVar("listener", default=_nobody)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have somebody hear of the work within the block.

    Args:
        listener: Who.
    """
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def begin(what: str) -> None:
    """Say what is done from here on, where nobody knows how long it takes.

    Args:
        what: The work.
    """
    _LISTENER.get()(what)


def watched(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Give the same items, and say before each of them how many are done.

    Args:
        items: What is worked on.
        what: The work.
        total: How many they are. Default: their length.

    Example:
        >>> from mmhsi.progress import listening, watched
        >>> with listening(lambda what, done=0, total=None: print(what, done, total)):
        ...     rows = [row for row in watched(range(2), "reading")]
        reading 0 2
        reading 1 2
         0 None
    """
    tell = _LISTENER.get()
    if total is None:
        total = len(items)  # type: ignore[arg-type]  # which those given without have
    for done, item in enumerate(items):
        tell(what, done, total)
        yield item
    tell("")
