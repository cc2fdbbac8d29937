"""Scripts of the repository as modules."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from mmhsi.cli.command import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

REPOSITORY = Path(__file__).resolve().parents[1]


def load_script(path: str) -> ModuleType:
    """Load a file that is in no package, such as ``tools/predict.py``."""
    spec = importlib.util.spec_from_file_location(path.removesuffix(".py").replace("/", "_"), REPOSITORY / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def command_line(*words: object) -> Iterator[None]:
    """A command in this process: its words, and nothing of what it sets for its own process stays."""
    logger = logging.getLogger("mmengine")
    level = logger.level
    try:
        with (
            mock.patch.object(sys, "argv", [str(word) for word in words]),
            mock.patch.dict(os.environ),
            mock.patch.object(logging, "raiseExceptions", False),
        ):
            yield
    finally:
        logger.setLevel(level)


def run_tool(name: str, *arguments: object) -> int:
    """Run ``tools/NAME.py``, or a script of ``benchmarks/``, as its command would, and give its exit status."""
    module = load_script(f"{name}.py" if name.startswith("benchmarks/") else f"tools/{name}.py")
    try:
        with command_line(f"{name}.py", *arguments):
            run(module.main)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0
