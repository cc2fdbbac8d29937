"""SIGTERM in commands."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import SECONDS, started
from scripts import REPOSITORY

from mmhsi.cli.termination import AGAIN, Terminated, Termination

COMMAND = """
import time
from mmhsi.cli.command import run, tool_parser
def main():
    parser = tool_parser("")
    parser.add_argument("--resume", action="store_true")
    parser.parse_args()
    try:
        print("begun", flush=True)
        time.sleep(300)
    finally:
        print("put in order", flush=True)
run(main)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM that arrives")
@pytest.mark.parametrize(
    ("options", "how"), [([], "with --resume goes on from there"), (["--resume"], "goes on from there")]
)
@pytest.mark.parametrize(
    ("number", "status", "begun"), [("SIGTERM", AGAIN, "ended by SIGTERM"), ("SIGINT", 130, "interrupted")]
)
def test_a_command_ends_in_order_and_says_how_it_goes_on(options, how, number, status, begun):
    with started([sys.executable, "-c", COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(getattr(signal, number))
        output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (status, "put in order\n")
    assert errors == f"{begun}; the same command {how}\n"


def test_the_signal_waits_where_it_is_told_to_and_the_handler_goes():
    before, termination = signal.getsignal(signal.SIGTERM), Termination()
    with termination.installed():
        with termination.waiting() as asked:
            assert not asked()
            os.kill(os.getpid(), signal.SIGTERM)
            assert asked()
        with pytest.raises(Terminated):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before


SLEEPER = """import os, sys, time
open(sys.argv[-1] + ".pid", "w").write(str(os.getpid()))
time.sleep(300)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_a_table_that_is_ended_ends_its_steps(tmp_path):
    (tmp_path / "sleep.py").write_text(SLEEPER)
    steps = f'[dict(command=["{tmp_path / "sleep.py"}", "--out", "{{out}}"])]'
    text = f'title, protocol, metric, seeds = "T", "P", "OA", (0, 1)\nrows = {{"a": {{"A": {steps}}}}}\n'
    (tmp_path / "table.py").write_text(text)
    command = [
        sys.executable,
        REPOSITORY / "benchmarks/run_table.py",
        tmp_path / "table.py",
        "--work-dir",
        tmp_path / "w",
    ]
    environment = dict(os.environ, PYTHONPATH=str(REPOSITORY))
    with started(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + SECONDS
        while not (found := [path for path in tmp_path.glob("w/*/*.pid") if path.read_text()]):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)
        assert process.returncode == AGAIN
        number = int(found[0].read_text())
        while Path(f"/proc/{number}").exists() and " Z " not in Path(f"/proc/{number}/stat").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert len(list(tmp_path.glob("w/*/*.pid"))) == 1  # the other seed's step was not begun
