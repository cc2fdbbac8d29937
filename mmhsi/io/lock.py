"""One writer at a time in a folder."""

from __future__ import annotations

import os
import socket
import time
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout, lock_descriptor

from mmhsi.errors import ConfigError, DataError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_held: set[int] = set()
_outputs: ContextVar[frozenset[Path]] = ContextVar("outputs", default=frozenset())


def _let_go() -> None:
    while _held:
        os.close(_held.pop())


if hasattr(os, "register_at_fork"):  # not on Windows
    # Processes that load data outlive a killed run for seconds, and would hold its folder.
    os.register_at_fork(after_in_child=_let_go)


@contextmanager
def hold(folder: str | Path, what: str, instead: str, passing: bool = False) -> Iterator[None]:
    """Keep others out of a folder; the operating system lets go of it when the process ends, however it ends.

    It is the folder itself that is locked, where the system can: nothing in it may be removed to get in. While it is
    held, ``.lock`` says by whom.

    Args:
        folder: Made if it is missing, and removed again if it is empty in the end. Whoever holds it may remove what is
            in it, never the folder: another process would get a new one of that name.
        what: What the folder is, for the message.
        instead: What else can be done, for the message.
        passing: Whether it is removed, if it is empty, also where it was there before: a folder of ours, left by a run
            that was killed. Default False.

    Raises:
        ConfigError: If another process holds it.
        DataError: A file is in its place.
    """
    folder = Path(folder)
    note = folder / ".lock"
    made = not folder.exists()
    with ExitStack() as stack:
        if not _acquire(folder, stack):
            holder = "another process"
            with suppress(OSError):
                if note.is_file():  # opening a pipe would wait
                    holder = one_line(note.read_text(errors="replace")) or holder
            raise ConfigError(f"{what} {folder}: in use by {holder}; wait for it, end it, or {instead}")
        try:
            with suppress(OSError):  # on a full disk nothing says who holds it
                note.unlink(missing_ok=True)  # a link would lead to a file of others
                note.write_text(f"process {os.getpid()} on {socket.gethostname()}")
            yield
        finally:
            with suppress(OSError):
                note.unlink(missing_ok=True)
                if made or passing:
                    folder.rmdir()  # if it is empty


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Hold a folder when no other process does any more; for work of seconds.

    Args:
        folder: Made, and removed again.

    Raises:
        DataError: A file is in its place.
    """
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(hold(folder, "folder", "wait", passing=True))
                break
            except ConfigError:
                time.sleep(0.05)
        yield


@contextmanager
def hold_outputs(paths: Iterable[Path]) -> Iterator[None]:
    """Keep others from writing the same files; each is held by its folder ``FILE.partial``.

    Who holds a file already, to write more of it than this, holds it on.

    Raises:
        ConfigError: If another run writes one of them.
    """
    with ExitStack() as stack:
        held = _outputs.get()
        for path in paths:
            folder = path.absolute().with_name(f"{path.name}.partial")
            if folder not in held:
                stack.enter_context(hold(folder, "output", "give another file", passing=True))
                held |= {folder}
        token = _outputs.set(held)
        try:
            yield
        finally:
            _outputs.reset(token)


def _acquire(folder: Path, stack: ExitStack) -> bool:
    """Lock a folder until the stack is closed; False if another process has."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            if not os.path.lexists(folder) or folder.is_dir():  # it was there, and whoever held it has removed it
                continue
            raise DataError(f"{folder}: is no folder, and one is needed of this name meanwhile; move it") from None
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # likewise
            continue
        except PermissionError:  # Windows opens no folders, and lets nobody remove a file that is open
            return _acquire_file(folder, stack)
        _held.add(descriptor)
        release = stack.enter_context(ExitStack())
        release.callback(_close, descriptor)
        try:
            if not lock_descriptor(descriptor, blocking=False):
                return False
        except OSError:  # network file systems may lock files alone
            return _acquire_file(folder, stack)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(descriptor), folder.stat()):
                return True
        release.close()  # whoever held it removed it in between


def _acquire_file(folder: Path, stack: ExitStack) -> bool:
    lock = FileLock(folder / ".lock.file", blocking=False)
    try:
        stack.enter_context(lock)
    except Timeout:
        return False
    return True


def _close(descriptor: int) -> None:
    if descriptor in _held:  # not in a forked process
        _held.remove(descriptor)
        os.close(descriptor)
