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

from mmhsi.config_files import reporting_metric
from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import make_folder
from mmhsi.io.lock import hold

from .table import ROOT, Step, last_checkpoint, read_config, state, write_finished

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.process import BaseProcess
    from pathlib import Path


class ExperimentRunner:
    """Runs steps as commands of ``tools/``, each once; what is finished is not run again, what was cut off goes on.

    Args:
        jobs: Runs at a time. Default 1.
        threads: Threads of each run. Default 1.
        hold_scenes: Whether the training scenes of all steps stay in memory, behind their transforms, and runs are
            forked from this process: channels of a scene are then made once, not by every run. Default False.
        finished: Told of every step that was run, and of its seconds. Default None.

    Raises:
        ConfigError: If scenes are to be held for several runs at a time.
    """

    def __init__(
        self,
        jobs: int = 1,
        threads: int = 1,
        hold_scenes: bool = False,
        finished: Callable[[Step, float], object] | None = None,
    ) -> None:
        if hold_scenes and jobs > 1:
            raise ConfigError(f"--hold-scenes goes with one run at a time, not with --jobs {jobs}")
        self.jobs = jobs
        self.hold_scenes = hold_scenes
        self.finished = finished
        self._scenes: dict[str, object] = {}
        os.environ["OMP_NUM_THREADS"] = str(threads)
        self._environment = dict(os.environ)  # another thread that reads a config changes it
        self._locks: dict[Path, threading.Lock] = {}
        self._guard = threading.Lock()
        self._running: set[BaseProcess] = set()
        self._ended = False

    def run_all(self, steps: list[Step]) -> None:
        """Run all steps and what they stand on; who ends this process ends those that run.

        Raises:
            DataError: If a command fails; steps that are running are finished first.
        """
        if self.hold_scenes:  # what a pool's thread forks ends with status 1
            self._run_here(steps)
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            futures = [pool.submit(self.run, step) for step in steps]
            try:
                for future in futures:
                    future.result()
            except Exception:
                raise
            except BaseException:  # Ctrl-C or SIGTERM
                self._end()
                raise

    def _run_here(self, steps: list[Step]) -> None:
        try:
            for step in steps:
                self.run(step)
        except BaseException:
            self._end()
            for process in self._running:
                process.join()
            raise

    def _end(self) -> None:
        """Begin nothing more and let what runs save a checkpoint."""
        with self._guard:
            self._ended = True
            for process in self._running:
                process.terminate()

    def run(self, step: Step) -> None:
        """Run one step after its predecessors, and test it if it ends a chain that can be tested."""
        if step.previous is not None:
            self.run(step.previous)
        with self._guard:
            lock = self._locks.setdefault(step.folder, threading.Lock())
        busy = step.folder.with_name(f"{step.folder.name}.running")  # the folder itself is held by the step's command
        with lock, hold(busy, "step", "choose another --work-dir", passing=True):
            if state(step) == "done":
                return
            make_folder(step.folder)
            began = time.monotonic()
            if step.command:
                out = str(step.folder / "report.json")
                self._call([str(fill(step, word)).replace("{out}", out) for word in step.command], step.folder)
            else:
                self._train(step)
            seconds = round(time.monotonic() - began, 1)
            write_finished(step.folder, seconds)
            if self.finished is not None:
                with self._guard:
                    self.finished(step, seconds)

    def _train(self, step: Step) -> None:
        if self.hold_scenes:
            self._hold(step)
        options = {key: fill(step, value) for key, value in step.options.items()}
        config = str(ROOT / step.config)
        words = ["tools/train.py", config, "--seed", str(step.seed), "--work-dir", str(step.folder), "--resume"]
        if step.dataset:
            words += ["--dataset", step.dataset]
        if reporting_metric(read_config(step.config, step.dataset)):
            words += ["--report", str(step.folder / "report.json")]
        if options:
            words += ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]
        self._call(words, step.folder)

    def _hold(self, step: Step) -> None:
        """Build the training data of a step, unless those of one with the same scene and transforms are there."""
        from mmhsi.registry import DATASETS

        with self._guard:
            config = dict(read_config(step.config, step.dataset).train_dataloader.dataset)
            config["data_root"] = os.environ.get("MMHSI_DATA", config["data_root"])
            own = repr({key: value for key, value in config.items() if key != "split"})
            if own not in self._scenes:
                self._scenes[own] = DATASETS.build(config)

    def _call(self, words: list[str], folder: Path) -> None:
        # Paths of tools and configs are those of the repository, wherever the table is run.
        command = [str(ROOT / word) if word.endswith(".py") else word for word in words]
        with self._guard:
            if self._ended:
                raise DataError(f"{folder.name}: not begun")
            process = start_tool(command, folder / "output.log", self._environment, self.hold_scenes)
            self._running.add(process)
        process.join()
        with self._guard:
            self._running.remove(process)
        if status := process.exitcode:
            lines = (folder / "output.log").read_text(errors="replace").splitlines() or [""]
            said = [line for line in lines if line.startswith("error: ")] or lines
            raise DataError(f"{folder.name}: {words[0]} ended with status {status}: {said[-1]}")


def start_tool(
    words: list[str], log: Path, environment: Mapping[str, str] = os.environ, from_here: bool = False
) -> BaseProcess:
    """Start a command of ``tools/``, forked from a process that has imported everything: else that costs seconds.

    Args:
        words: The tool's path and its arguments.
        log: File for its output.
        environment: All variables. Default: this process's.
        from_here: Whether it is forked from this process, with all that it holds in memory. Default False: from a fresh
            one.
    """
    arguments = (words, log, dict(environment))
    process: BaseProcess
    if from_here:
        process = multiprocessing.get_context("fork").Process(target=run_tool, args=arguments)
    else:
        processes = multiprocessing.get_context("forkserver")
        processes.set_forkserver_preload(["mmhsi.cli.preload"])
        process = processes.Process(target=run_tool, args=arguments)
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
