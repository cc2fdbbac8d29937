"""Runs cases one after the other, each in a process of its own that is limited in memory and time.

Started once, as importing the libraries takes longer than all cases together. Reads ``NAME<tab>FOLDER`` lines, answers
each with a line of JSON: ``outcomes``, (entry, kind, text) with the kinds ``result``, ``refused`` and ``traceback``;
``seconds``; and ``megabytes``, the memory that the process took beyond what it had when the file was ready, or None
where the system does not measure that (:func:`_forget_peak`).
"""

from __future__ import annotations

import gc
import json
import os
import resource
import selectors
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.corpus import CASES
from fuzz.entries import ENTRIES, SCENE_ENTRIES
from fuzz.files import write_geotiff

from mmhsi.errors import MMHSIError

if TYPE_CHECKING:
    from fuzz.case import Case

SECONDS = 120
MOST_MEGABYTES = 2048
"""What the system grants a case on top of what the process has; the bound of a case is far below."""


def _status(name: str) -> int:
    """A figure of /proc/self/status in bytes; 0 where the system does not give it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 0)


def _forget_peak() -> bool:
    """Let the peak of this process's memory begin anew; False where that cannot be, as in some sandboxes."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return _status("VmHWM") > 0


def _outcome(entry: str, path: Path, key: str | None) -> tuple[str, str]:
    """(kind, text) of one way to use the file."""
    try:
        return "result", str(ENTRIES[entry](path, key))
    except MMHSIError as error:
        text = str(error)
        return ("refused", text) if text.strip() and len(text.splitlines()) == 1 else ("not one line", repr(text))
    except BaseException:
        return "traceback", traceback.format_exc()


def _run(case: Case, folder: Path) -> dict:
    """Build the file and send it through every entry."""
    path = case.build(folder)
    start, before, measured = time.monotonic(), _status("VmRSS"), _forget_peak()
    limit = _status("VmData") + (MOST_MEGABYTES << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    if case.unprivileged and os.getuid() == 0:
        os.setuid(65534)
    outcomes = [(entry, *_outcome(entry, path, case.key)) for entry in case.entries]
    megabytes = max(0, _status("VmHWM") - before) / 2**20 if measured else None
    return dict(outcomes=outcomes, seconds=time.monotonic() - start, megabytes=megabytes)


def _fork(case: Case, folder: Path) -> dict:
    """:func:`_run` in a child, which is killed if it hangs."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receive)
            devnull = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(devnull, stream)
            answer = _run(case, folder)
        except BaseException:
            answer = dict(outcomes=[("case", "traceback", traceback.format_exc())], seconds=0, megabytes=None)
        os.write(send, json.dumps(answer).encode())
        os._exit(0)
    os.close(send)
    waiting = selectors.DefaultSelector()
    waiting.register(receive, selectors.EVENT_READ)
    if not waiting.select(SECONDS):
        os.kill(child, signal.SIGKILL)
    parts = []
    while part := os.read(receive, 1 << 16):
        parts.append(part)
    os.close(receive)
    _, status = os.waitpid(child, 0)
    if not parts:
        text = f"no answer: killed by signal {os.WTERMSIG(status)} (9: after {SECONDS} s)"
        return dict(outcomes=[("case", "traceback", text)], seconds=SECONDS, megabytes=None)
    return json.loads(b"".join(parts))


def main() -> None:
    """Answer until the input ends."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    with tempfile.TemporaryDirectory() as folder:  # what is imported late is imported before the first fork
        for entry in SCENE_ENTRIES:
            _outcome(entry, write_geotiff(Path(folder)), None)
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page
    known = {case.name: case for case in CASES}
    for line in sys.stdin:
        name, folder = line.rstrip("\n").split("\t")
        print(json.dumps(_fork(known[name], Path(folder))), file=answers, flush=True)


if __name__ == "__main__":
    main()
