"""Imports that cost a command seconds and bring it nothing."""

from __future__ import annotations

import importlib
import sys
from typing import Any


def import_mmengine() -> None:
    """Import mmengine's models for a command that reads no config's optimiser, without transformers' optimisers.

    mmengine asks for one of them where transformers is installed, which takes longer to import than all the rest. What
    needs transformers later finds it.
    """
    if "transformers" in sys.modules:
        return
    modules: dict[str, Any] = sys.modules
    modules["transformers"] = None  # an import fails as if it were not installed
    try:
        importlib.import_module("mmengine.model")
    finally:
        del modules["transformers"]
