"""The formatter that mmengine lays out configs with, imported safely beside other processes.

On its first import of a machine, yapf writes its grammar into the user's cache, and gives the file its name before all
of it is written: another process that begins at that moment reads a part, and its import fails.
"""

from __future__ import annotations

import importlib
import time
from pickle import UnpicklingError

ATTEMPTS = 20
"""Imports that are tried, a twentieth of a second apart."""


def import_formatter() -> None:
    """Import yapf, again as long as another process is just writing its grammar.

    Raises:
        EOFError: If the grammar in the user's cache stays half-written for a second; or an ``UnpicklingError``.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            importlib.import_module("yapf.yapflib.yapf_api")
        except (EOFError, UnpicklingError):
            if not left:
                raise
            time.sleep(0.05)
        else:
            return
