"""The process that runs the cases, and the table at the end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from processes import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def answer() -> Iterator[Callable[[str, Path], dict]]:
    """Run a case in a folder: see fuzz/server.py."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # threads would not survive a fork
    command = [sys.executable, Path(__file__).with_name("server.py")]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as server:

        def ask(name: str, folder: Path) -> dict:
            server.stdin.write(f"{name}\t{folder}\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield ask


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each case: what came of it, in how much memory and time."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    rows = [value for report in reports for name, value in report.user_properties if name == "row"]
    if not rows:
        return
    terminalreporter.section(f"{len(rows)} hostile files")
    for name, found in rows:
        kinds = [kind for _, kind, _ in found["outcomes"]]
        entry, _, text = found["outcomes"][0]
        summary = kinds[0] if len(set(kinds)) == 1 else "/".join(kinds)
        memory = "   ?" if found["megabytes"] is None else f"{found['megabytes']:4.0f}"
        figures = f"{memory} MB {found['seconds']:4.1f} s"
        terminalreporter.write_line(f"{name} | {summary} | {figures} | {entry}: {text.strip().splitlines()[-1]}")
