"""Runs the steps of tables of experiments, each once; what was cut off goes on."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mmhsi.engine.configs import land_cover_metric
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import make_folder, write_json
from mmhsi.io.lock import hold

from .table import ROOT, Step, last_checkpoint, read_config

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.process import BaseProcess
    from pathlib import Path


class ExperimentRunner:
    """Runs steps as commands of ``tools/``, each once; what is finished is not run again, what was cut off goes on.

    Args:
        jobs: Runs at a time. Default 1.
        threads: Threads of each run. Default 1.
        finished: Told of every step that was run, and of its seconds. Default None.
    """

    def __init__(
        self, jobs: int = 1, threads: int = 1, finished: Callable[[Step, float], object] | None = None
    ) -> None:
        self.jobs = jobs
        self.finished = finished
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._locks: dict[Path, threading.Lock] = {}
        self._guard = threading.Lock()
        self._running: set[BaseProcess] = set()
        self._ended = False

    def run_all(self, steps: list[Step]) -> None:
        """Run all steps and what they stand on; who ends this process ends those that run.

        Args:
            steps: Last steps of chains.

        Raises:
            DataError: If a command fails; steps that are running are finished first.
        """
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.run, step) for step in steps]
            try:
                for future in futures:
                    future.result()
            except Exception:
                raise
            except BaseException:  # Ctrl-C or SIGTERM
                with self._guard:
                    self._ended = True
                    for process in self._running:
                        process.terminate()  # which lets a training save a checkpoint
                raise

    def run(self, step: Step) -> None:
        """Run one step after its predecessors, and test it if it ends a chain that can be tested.

        Args:
            step: The step.
        """
        if step.previous is not None:
            self.run(step.previous)
        with self._guard:
            lock = self._locks.setdefault(step.folder, threading.Lock())
        busy = step.folder.with_name(f"{step.folder.name}.running")  # the folder itself is held by the step's command
        with lock, hold(busy, "step", "choose another --work-dir", passing=True):
            if (step.folder / "finished.json").is_file():
                return
            make_folder(step.folder)
            began = time.monotonic()
            if step.command:
                out = str(step.folder / "report.json")
                self._call([str(fill(step, word)).replace("{out}", out) for word in step.command], step.folder)
            else:
                self._train(step)
            seconds = round(time.monotonic() - began, 1)
            write_json(step.folder / "finished.json", {"seconds": seconds})
            if self.finished is not None:
                with self._guard:
                    self.finished(step, seconds)

    def _train(self, step: Step) -> None:
        options = {key: fill(step, value) for key, value in step.options.items()}
        config = str(ROOT / step.config)
        words = ["tools/train.py", config, "--seed", str(step.seed), "--work-dir", str(step.folder), "--resume"]
        if step.dataset:
            words += ["--dataset", step.dataset]
        if land_cover_metric(read_config(step.config, step.dataset)):
            words += ["--report", str(step.folder / "report.json")]
        if options:
            words += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
        self._call(words, step.folder)

    def _call(self, words: list[str], folder: Path) -> None:
        # Paths of tools and configs are those of the repository, wherever the table is run.
        command = [str(ROOT / word) if word.endswith(".py") else word for word in words]
        with self._guard:
            if self._ended:
                raise DataError(f"{folder.name}: not begun")
            process = start_tool(command, folder / "output.log")
            self._running.add(process)
        process.join()
        with self._guard:
            self._running.remove(process)
        if status := process.exitcode:
            lines = (folder / "output.log").read_text(errors="replace").splitlines() or [""]
            said = [line for line in lines if line.startswith("error: ")] or lines
            raise DataError(f"{folder.name}: {words[0]} ended with status {status}: {said[-1]}")


def start_tool(words: list[str], log: Path) -> BaseProcess:
    """Start a command of ``tools/``, forked from a process that has imported everything: else that costs seconds.

    Args:
        words: The tool's path and its arguments.
        log: File for its output.
    """
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["mmhsi.cli.preload"])
    process = processes.Process(target=run_tool, args=(words, log, dict(os.environ)))
    process.start()
    return process


def run_tool(words: list[str], log: Path, environment: dict[str, str]) -> None:
    """Run a command of ``tools/`` in this process, its output appended to a file.

    Args:
        words: The tool's path and its arguments.
        log: File for its output.
        environment: All variables.
    """
    os.environ.clear()  # that of the server which forked this process may be older
    os.environ.update(environment)
    with log.open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")


def fill(step: Step, value: object) -> object:
    """Put the checkpoint of the step before in the place of ``'{checkpoint}'``.

    Args:
        step: The step.
        value: An option's value or a word of a command.

    Raises:
        ConfigError: If there is no step before.
    """
    if not isinstance(value, str) or "{checkpoint}" not in value:
        return value
    if step.previous is None:
        raise ConfigError(f"{step.config or step.command[0]}: {{checkpoint}} given, but there is no step before it")
    return value.replace("{checkpoint}", last_checkpoint(step.previous.folder))
