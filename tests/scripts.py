"""Scripts of the repository as modules."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from mmhsi.cli.command import run

if TYPE_CHECKING:
    from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]


def load_script(path: str) -> ModuleType:
    """Load a file that is in no package, such as ``tools/predict.py``."""
    spec = importlib.util.spec_from_file_location(path.removesuffix(".py").replace("/", "_"), REPOSITORY / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(name: str, *arguments: object) -> int:
    """Run ``tools/NAME.py``, or a script of ``benchmarks/``, as its command would, and give its exit status."""
    module = load_script(f"{name}.py" if name.startswith("benchmarks/") else f"tools/{name}.py")
    logger = logging.getLogger("mmengine")
    level = logger.level
    try:
        # A command may set variables of its own process, and how that logs.
        with (
            mock.patch.object(sys, "argv", [f"{name}.py", *map(str, arguments)]),
            mock.patch.dict(os.environ),
            mock.patch.object(logging, "raiseExceptions", False),
        ):
            run(module.main)
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        logger.setLevel(level)
    return 0
