"""What comes before a model and behind it, in threads of their own, while the model works."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import TracebackType
    from typing import Self

T = TypeVar("T")

WAITING = 2
"""Jobs, at most, that have not been finished when the next one is submitted: more would only take memory."""


def ahead(items: Iterator[T]) -> Generator[T]:
    """Give an iterator's items while a thread makes the next one, and no more than that.

    An error is raised where its item would have come. When this generator is closed, the thread has ended.

    Args:
        items: Used by the thread alone.
    """
    end = object()
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, items, end)
        while (item := following.result()) is not end:
            following = thread.submit(next, items, end)
            yield item  # type: ignore[misc]  # mypy does not tell the end from items
            del item  # it may be large


class Behind:
    """A thread that does jobs in the order in which they come; after one that fails it does no other.

    In a ``with`` block, which waits for the jobs when it ends, also when it ends by an error. An error of a job is
    raised when a later one is submitted, or where the block ends.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[Future[None]] = deque()
        self._failed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown()
        while self._waiting and exc_type is None:
            self._waiting.popleft().result()

    def submit(self, job: Callable[..., object], *args: object) -> None:
        """Have a job done; waits as long as :data:`WAITING` others are unfinished.

        Args:
            job: The job.
            args: Its arguments.
        """
        if len(self._waiting) == WAITING:
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._do, job, *args))

    def _do(self, job: Callable[..., object], *args: object) -> None:
        if self._failed:  # what it was to follow is not there
            return
        self._failed = True
        job(*args)
        self._failed = False
