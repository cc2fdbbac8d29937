"""What mmengine's logger says on the terminal; its log file always has everything."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = str(Path(__file__).resolve().parents[1])
_quiet: ContextVar[bool] = ContextVar("quiet", default=False)


@contextmanager
def log_to_file_alone() -> Iterator[None]:
    """Within the block, runners that are built keep environment, config and hooks to their log file.

    Warnings of mmhsi itself, such as that a loss was no number, still come to the terminal, each one line.
    """
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _own_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING and str(Path(record.pathname).resolve()).startswith(PACKAGE)


def apply(logger: logging.Logger) -> None:
    """Do to a new logger what :func:`log_to_file_alone` promises; without it nothing.

    Args:
        logger: A runner's, changed in place.
    """
    if not _quiet.get():
        return
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            handler.addFilter(_own_warning)
            handler.setFormatter(logging.Formatter("warning: %(message)s"))


def hush_models() -> None:
    """From here on models that are loaded outside of a run say warnings alone; a runner has a logger of its own."""
    from mmengine.logging import MMLogger

    MMLogger.get_current_instance().setLevel("WARNING")
