"""Processes that tests start: none outlives its time, and none its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess
    from pathlib import Path

SECONDS = 300
"""What a process is given: a bound against hanging, not a matter of speed."""


@contextmanager
def started(command: Sequence[object], **options: Any) -> Iterator[subprocess.Popen]:
    """Start a command; at the end it is killed together with all that it started.

    ``subprocess.run`` kills the command alone when its time is over, and then waits for its children, which hold its
    pipes.
    """
    process = subprocess.Popen([str(word) for word in command], text=True, start_new_session=True, **options)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # nothing is left of it
            if os.name == "nt":  # has no groups of processes
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run_command(command: Sequence[object], **options: Any) -> subprocess.CompletedProcess:
    """Run a command to its end and give what it printed."""
    with started(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options) as process:
        output, errors = process.communicate(timeout=SECONDS)
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def fork(target: Callable, *arguments: object) -> BaseProcess:
    """Start a function in a process of its own, which has imported everything already."""
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def join(process: BaseProcess) -> int:
    """Wait for a process and give its exit status."""
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"{process.name} did not end within {SECONDS} s")
    return process.exitcode


def free_port() -> str:
    """A port of this machine that nobody uses."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])


def _as_launched(environment: dict[str, str], function: Callable, arguments: tuple) -> None:
    torch.set_num_threads(1)
    os.environ.update(environment)
    function(*arguments)


def launch_two(function: Callable, *arguments: object) -> list[BaseProcess]:
    """Start ``function`` in two processes that find what torchrun tells its own, but have imported everything.

    They are forked from a process that has trained nothing: torch refuses to go on with gradients in the fork of one
    that has. The function is found by its name, in a module beside this one.
    """
    where = dict(WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=free_port(), CUDA_VISIBLE_DEVICES="")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mmhsi.cli.preload"])
    ranks = []
    for rank in "01":
        told = (dict(where, RANK=rank, LOCAL_RANK=rank), function, arguments)
        ranks.append(context.Process(target=_as_launched, args=told, daemon=True))
        ranks[-1].start()
    return ranks


def run_rank(words: list[str], folder: Path) -> None:
    """Run a command as a rank of :func:`launch_two`, what it prints in ``folder/RANK.log``."""
    from experiments.runner import run_tool

    run_tool(words, folder / f"{os.environ['RANK']}.log", dict(os.environ))


def _on_rank(rank: int, store: Path, function: Callable, arguments: tuple, answer: Connection) -> None:
    torch.set_num_threads(1)  # a forked process has no threads but its own
    where = dict(init_method=f"file://{store}", rank=rank, world_size=2)
    torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=SECONDS), **where)
    answer.send(function(rank, *arguments))
    torch.distributed.destroy_process_group()


def on_two_ranks(store: Path, function: Callable, *arguments: object) -> list[Any]:
    """What ``function(rank, *arguments)`` gives in each of two processes that know each other by ``torch.distributed``.

    Args:
        store: A new file, by which they find each other.
        function: What each runs.
        *arguments: What it is given beside its rank.
    """
    pipes = [multiprocessing.Pipe(duplex=False) for _ in range(2)]
    ranks = [fork(_on_rank, rank, store, function, arguments, pipes[rank][1]) for rank in range(2)]
    for _, there in pipes:
        there.close()
    found = [here.recv() if here.poll(SECONDS) else None for here, _ in pipes]  # EOFError: both failed
    assert [join(rank) for rank in ranks] == [0, 0]
    return found
