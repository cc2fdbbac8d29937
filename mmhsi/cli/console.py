"""What commands print: lines, warnings and errors, and a live bar where there is a terminal."""

from __future__ import annotations

import ctypes
import os
import sys
import textwrap
import time
import warnings
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import get_terminal_size
from threading import Timer
from typing import TYPE_CHECKING, Protocol, TextIO

from mmhsi.errors import DataWarning, one_line
from mmhsi.progress import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, ProgressColumn, Task

BEGUN = time.monotonic()
"""When the command began, but for Python's own start."""
WIDE = 110
"""Columns of a terminal from which a bar is long and the time that has passed stands beside what is left."""
RED, YELLOW, PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


class Step(Protocol):
    """Says how far the work is."""

    def __call__(self, done: float, total: float | None = None, text: str = "") -> None:
        """Move the bar.

        Args:
            done: How much is done.
            total: Of how much. Default None: as before.
            text: What stands behind the numbers, such as the loss.
        """


def hush_gdal() -> None:
    """Keep GDAL and its TIFF library from writing to standard error what is reported as an error, as of a full disk.

    Of the two the library alone has no setting for it; where rasterio comes without one of its own, its lines stay.
    """
    os.environ.setdefault("CPL_LOG", os.devnull)
    spec = find_spec("rasterio")
    if spec is None or spec.origin is None:
        return
    for file in Path(spec.origin).parent.with_name("rasterio.libs").glob("libtiff*"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(str(file)).TIFFSetErrorHandler(None)


def coloured(line: str, colour: str) -> str:
    """A line for standard error, in colour where that is a terminal."""
    return f"{colour}{line}{PLAIN}" if sys.stderr.isatty() else line


def fitted(line: str, stream: TextIO, indent: str) -> str:
    """A line for a terminal, broken between words where it is too long; for a file or a pipe as it is.

    Args:
        line: The line.
        stream: Where it goes.
        indent: What further lines begin with.
    """
    if not stream.isatty():
        return line
    joined = line.replace(": ", ":\xa0", 1)  # no line is "error:" alone
    width = get_terminal_size().columns
    broken = textwrap.fill(joined, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return broken.replace("\xa0", " ")


def print_error(message: str) -> None:
    """Print an error: one line, red on a terminal."""
    sys.stderr.write(coloured(fitted(f"error: {_near(message)}", sys.stderr, "  "), RED) + "\n")


def print_warning(message: str) -> None:
    """Print a warning: one line, yellow on a terminal."""
    sys.stderr.write(coloured(fitted(f"warning: {_near(one_line(message))}", sys.stderr, "  "), YELLOW) + "\n")


def _near(text: str) -> str:
    """Text with paths below the current folder as seen from there."""
    with suppress(OSError):  # the folder may be gone
        return text.replace(f"{Path.cwd()}{os.sep}", "")
    return text


def show_own_warnings() -> None:
    """From here on a warning is one line, said once, and warnings of libraries, on which no user can act, are none."""
    said = set[str]()  # of a file that is opened anew for every step

    def show(message: str) -> None:
        if message not in said:
            said.add(message)
            print_warning(message)

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", DataWarning)
    warnings.showwarning = lambda message, *_: show(str(message))


def duration(seconds: float) -> str:
    """Time as people say it.

    Args:
        seconds: 0 or more.

    Example:
        >>> duration(9.4), duration(75), duration(7300)
        ('9 s', '1 min 15 s', '2 h 1 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def live() -> bool:
    """Whether somebody is looking: standard error is a terminal."""
    return sys.stderr.isatty()


def new_progress() -> Progress:
    """A bar on standard error, as of :func:`progress`; what :func:`waiting` shows goes before it."""
    end_waiting()
    return progress()


def progress() -> Progress:
    """A bar that moves several times a second and goes when it is done; none where there is no total."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class What(TextColumn):
        def render(self, task: Task) -> Text:
            return Text(str(task.fields["text"]), no_wrap=True, overflow="ellipsis")

    console = Console(stderr=True)
    wide = console.width >= WIDE

    def known(task: Task) -> bool:
        return task.total is not None

    def shown_where(column: ProgressColumn, shown: Callable[[Task], bool] = known) -> ProgressColumn:
        render, column.max_refresh = column.render, None  # else what the last step has shown stays for a while
        column.render = lambda task: render(task) if shown(task) else Text("")  # type: ignore[method-assign]
        return column

    def line() -> Column:
        return Column(no_wrap=True)

    return Progress(
        SpinnerColumn(table_column=line()),
        TextColumn("{task.description}"),
        shown_where(BarColumn(bar_width=24 if wide else 8, table_column=line())),
        shown_where(
            TextColumn("{task.percentage:>3.0f} %"),
            lambda task: known(task) and (wide or len(task.fields["text"]) < WIDE // 4),
        ),
        shown_where(TimeElapsedColumn(table_column=line()), lambda task: wide or not known(task)),
        shown_where(TextColumn("left")),
        shown_where(TimeRemainingColumn(table_column=line())),
        What("", table_column=Column()),  # alone may be made narrower, so that nothing before it is cut
        console=console,
        refresh_per_second=4,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # else what is written to a file or a pipe would come to the terminal
    )


_WAITING: list[tuple[Timer, Progress]] = []
"""What :func:`waiting` shows, if anything."""


@contextmanager
def waiting(what: str, seconds: float = 1.0) -> Iterator[None]:
    """Show, on a terminal alone, that a command works, and how far it is where :mod:`mmhsi.progress` is told.

    It ends where the command has a bar of its own.

    Args:
        what: What is shown until something is told.
        seconds: How long nothing is shown. Default 1.
    """
    if not live():
        yield
        return
    shown = progress()
    task = shown.add_task(what, total=None, text="")
    last = ""

    def hear(told: str, done: float = 0, total: float | None = None) -> None:
        nonlocal last
        if told != last:
            last = told
            shown.tasks[0].total = total  # reset and update would take None for "as before"
            shown.reset(task, description=told or what)  # what is left is reckoned anew
        shown.update(task, completed=done)

    timer = Timer(seconds, shown.start)
    timer.daemon = True
    _WAITING.append((timer, shown))
    timer.start()
    try:
        with listening(hear):
            yield
    finally:
        end_waiting()


def end_waiting() -> None:
    """Take away what :func:`waiting` shows: something else is shown from here on."""
    while _WAITING:
        timer, shown = _WAITING.pop()
        timer.cancel()
        timer.join()
        shown.stop()


def _unseen(done: float, total: float | None = None, text: str = "") -> None:
    """Nobody looks."""


@contextmanager
def bar(what: str, unit: str = "") -> Iterator[Step]:
    """Show how far some work is, on a terminal alone.

    Args:
        what: The work, such as ``'classifying'``.
        unit: What is counted, for the rate; none is shown without.

    Yields:
        A function of what is done and of how much.
    """
    if not live():
        yield _unseen
        return
    with new_progress() as shown:
        task = shown.add_task(what, total=None, text="")
        first: list[float] = []

        def step(done: float, total: float | None = None, text: str = "") -> None:
            now = time.monotonic()
            if not first:
                first.extend((done, now))  # not 0 where a run is resumed
            passed = now - first[1]
            rate = f"{(done - first[0]) / passed:.1f} {unit}/s" if unit and passed > 0 and done > first[0] else ""
            shown.update(task, completed=done, total=total or shown.tasks[0].total, text=f"{rate}  {text}".strip())

        yield step
