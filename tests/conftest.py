"""What every test may use: real data where they lie, and the registry scope."""

from __future__ import annotations

import gc
import os
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import scripts
from process_state import differences, process_state
from scripts import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def pytest_configure() -> None:
    """Spare every worker and run what takes seconds and has nothing to do with a test."""
    import setuptools  # noqa: F401, puts a folder on the path, which the first run of a test alone would do
    from mmengine.utils.dl_utils import set_multi_processing
    from yapf.yapflib import yapf_api

    import mmhsi.light_optimizers  # noqa: F401, for tests that import mmengine first

    set_multi_processing()  # what the first run in this process would do to all that follow
    # No test outlives a power cut of the machine: none waits for its disk, some milliseconds for every file written.
    os.fsync = lambda descriptor: None
    os.environ["OGR_SQLITE_SYNCHRONOUS"] = "OFF"
    # A config's text is laid out nicely, some ten times a run: 0.5 s each time. yapf is imported before there are
    # workers: it writes its grammar into the user's cache, of which one that imports it meanwhile may read half.
    yapf_api.FormatCode = lambda text, **_: (text, True)
    # What a shell begins in the background ignores Ctrl-C, and so would every command that a test interrupts.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Spare every run in this process what takes most of a short run's time and has nothing to do with it."""
    # mmengine's datasets collect garbage, which goes through all that the libraries hold: 0.2 s each time.
    if dataset := sys.modules.get("mmengine.dataset.base_dataset"):
        dataset.gc = SimpleNamespace(collect=lambda: 0)
    # mmengine's loop by iterations sleeps 2 s between epochs, for the sake of worker processes.
    if loops := sys.modules.get("mmengine.runner.loops"):
        loops.time = SimpleNamespace(sleep=lambda seconds: None)
    # Each file of a config is written anew into a folder that is deleted again.
    if (config := sys.modules.get("mmengine.config.config")) and os.access("/dev/shm", os.W_OK):
        config.tempfile = SimpleNamespace(
            TemporaryDirectory=partial(tempfile.TemporaryDirectory, dir="/dev/shm"),
            NamedTemporaryFile=tempfile.NamedTemporaryFile,
        )
    # Compilers are asked for their versions, in processes of their own.
    for name in ("mmengine.runner.runner", "mmengine._strategy.base"):
        if runner := sys.modules.get(name):
            runner.collect_env = dict
    gc.collect()
    gc.freeze()  # what libraries and thousands of tests hold stays: nobody need look through it again


@pytest.fixture(autouse=True)
def leaves_the_process_as_it_was() -> Iterator[None]:
    """A test that leaves something behind on which others of its worker could depend fails."""
    from mmengine.registry import DefaultScope

    DefaultScope._instance_dict.clear()  # a runner leaves its scope: each test begins without one
    before = process_state()
    yield
    if changed := differences(before, process_state()):
        pytest.fail(f"the test left the process changed:\n{changed}")


@pytest.fixture(scope="session")
def repository() -> Path:
    """Root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real scenes; absent on a user's machine, required where MMHSI_REQUIRE_REAL_DATA is 1."""
    folder = Path(os.environ.get("MMHSI_SHARED_DATA", "../shared/data"))
    folder = folder if folder.is_absolute() else (REPOSITORY / folder).resolve()
    if not folder.is_dir():
        message = f"no real data at {folder}: set MMHSI_SHARED_DATA"
        if os.environ.get("MMHSI_REQUIRE_REAL_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def generated_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything that the configs read; only to be read."""
    from generated_data import write_all

    folder = tmp_path_factory.mktemp("data")
    write_all(folder)
    return folder


@pytest.fixture
def place(generated_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run from the root of the checkout on the generated data."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    return generated_data


@pytest.fixture
def scope() -> Iterator[None]:
    """Registries build mmhsi's classes by their bare names."""
    from mmengine.registry import DefaultScope

    with DefaultScope.overwrite_default_scope("mmhsi"):
        yield


@pytest.fixture
def run_tool() -> Callable[..., int]:
    """:func:`scripts.run_tool`."""
    return scripts.run_tool
