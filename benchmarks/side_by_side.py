"""Two sides measured in turn on one thread: what every benchmark shares.

A benchmark file is a list of comparisons and their set-up; :func:`main` is the command of each file and of the suite.
"""

import argparse
import datetime
import importlib.metadata
import operator
import os
import platform
import re
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from rasterio.errors import NotGeoreferencedWarning
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from mmhsi.cli.console import show_own_warnings
from mmhsi.cli.freed_memory import keep_freed_memory

ROOT = Path(__file__).resolve().parents[1]
SIGNS = {"<": operator.lt, "≤": operator.le, "≥": operator.ge}
HEAD = (
    "| name | what | goal | ratio (range) | A beside B | rounds, date, commit |\n| --- | --- | --- | --- | --- | --- |"
)
Measure = Callable[[], float]
show_own_warnings()  # before a benchmark imports the libraries that it silences


@dataclass(frozen=True)
class Bench:
    """What a comparison is set up for.

    Attributes:
        folder: An empty folder for its files.
        quick: Whether small sizes do, because nobody looks at the figures.
        device: Of the models, where the comparison is one of models.
    """

    folder: Path
    quick: bool
    device: torch.device

    def size(self, full: int, quick: int) -> int:
        """The one of two sizes that is asked for."""
        return quick if self.quick else full

    def seconds(self, job: Callable[[], object], clock: Callable[[], float] = time.process_time) -> Measure:
        """Time of one call: by default the processor's, which others' work disturbs little; of an accelerator."""

        def finished() -> None:
            job()
            torch.cuda.synchronize()

        return seconds(job, clock) if self.device.type == "cpu" else seconds(finished, time.perf_counter)

    def forward_backward(self, model: nn.Module, loss: Callable[[], Tensor]) -> Measure:
        """Time of a loss and of its gradients."""

        def step() -> None:
            loss().backward()
            model.zero_grad(set_to_none=True)

        return self.seconds(step)


def seconds(job: Callable[[], object], clock: Callable[[], float] = time.process_time) -> Measure:
    """Seconds that a job takes: by default the processor's in this process, which on one thread are an idle core's."""

    def measure() -> float:
        start = clock()
        job()
        return clock() - start

    return measure


def per_second(job: Callable[[], float], clock: Callable[[], float] = time.process_time) -> Measure:
    """Items a second of a job that gives their number."""

    def measure() -> float:
        start = clock()
        items = job()
        return items / (clock() - start)

    return measure


def other_process() -> Callable[..., Any]:
    """A process started anew, which shares no memory and no setting with this one; it runs functions of a module."""
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    return lambda function, *arguments: pool.submit(function, *arguments).result()


def peak_memory() -> float:
    """The most memory that this process has held, in GiB (Linux)."""
    # Not RUSAGE_SELF, which remembers the process that this one was forked from.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**20


@dataclass(frozen=True)
class Comparison:
    """Two things to measure and what is expected of them.

    Attributes:
        name: For ``--only`` and the table.
        title: What is compared, A beside B.
        sides: Sets A and B up; each gives one figure a call. Without B the figure of A itself is what counts.
        goal: Of the median of A / B, such as ``'≤ 1.05'``; empty for none.
        unit: Of the figures.
        kind: ``'time'``, or ``'memory'``, which is measured once and warms nothing up.
        rounds: Rounds that count; one more comes before them.
        on_device: Whether it is one of models, which ``--device`` moves.
    """

    name: str
    title: str
    sides: Callable[[Bench], tuple[Measure, Measure | None]]
    goal: str = ""
    unit: str = "s"
    kind: str = "time"
    rounds: int = 5
    on_device: bool = False

    def measure(self, bench: Bench, rounds: int | None = None) -> np.ndarray:
        """Measure A and B in turn: a pair of figures a round, B's not a number where there is no B."""
        first, second = self.sides(bench)
        warm_up = int(self.kind == "time")
        rounds = (rounds or self.rounds) if warm_up else 1
        return np.array([[first(), second() if second else np.nan] for _ in range(rounds + warm_up)])[warm_up:]

    def row(self, pairs: np.ndarray, when: str | None) -> str:
        """A row of the table; without a date and commit, of small sizes, the goal is not judged."""
        goal, alone = self.goal, bool(np.isnan(pairs[0, 1]))
        judged = pairs[:, 0] if alone else pairs[:, 0] / pairs[:, 1]
        if goal and when:
            sign, limit = goal.split()
            verdict = "passed" if SIGNS[sign](np.median(judged), float(limit)) else "**missed**"
            goal = f"{goal}{f' {self.unit}' if alone else ''}: {verdict}"
        spread = f" ({judged.min():.3g} to {judged.max():.3g})" if len(pairs) > 1 else ""
        ratio = "" if alone else f"{np.median(judged):.3g}{spread}"
        medians = [figure for figure in np.median(pairs, axis=0) if not np.isnan(figure)]
        figures = " beside ".join(f"{figure:.3g}" if figure < 1000 else f"{figure:,.0f}" for figure in medians)
        cells = (
            f"`{self.name}`",
            self.title,
            goal,
            ratio,
            f"{figures} {self.unit}",
            f"{len(pairs)}, {when or 'quick'}",
        )
        return f"| {' | '.join(cells)} |"


def machine(device: str = "cpu") -> str:
    """Processor, cores, memory and versions, in one line."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if platform.system() == "Linux" else None
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy"))
    where = torch.cuda.get_device_name(device) if device.startswith("cuda") else "no GPU"
    return (
        f"Machine: {cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, {where}; "
        f"{platform.system()}, Python {platform.python_version()}, {versions}."
    )


def date_and_commit() -> str:
    """Today and the commit that is measured."""
    git = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "no commit"
    return f"{datetime.date.today()}, {commit}"


def replace_block(path: Path, name: str, text: str) -> None:
    """Put a text between a page's ``<!-- name: begin -->`` and ``<!-- name: end -->``."""
    before, begin, rest = path.read_text().partition(f"<!-- {name}: begin -->\n")
    _, end, after = rest.partition(f"<!-- {name}: end -->")
    if not (begin and end):
        raise SystemExit(f"error: {path} has no lines <!-- {name}: begin --> and <!-- {name}: end -->")
    path.write_text(before + begin + text + end + after)


def write_row(path: Path, name: str, where: str, names: Sequence[str], row: str) -> None:
    """Put a row into a page's table; rows of another machine or of other versions leave it."""
    block = path.read_text().partition(f"<!-- {name}: begin -->")[2].partition(f"<!-- {name}: end -->")[0]
    rows = {
        line.split("`")[1]: line for line in [*block.splitlines() * (where in block), row] if line.startswith("| `")
    }
    lines = [where, "", HEAD, *(rows[name] for name in names if name in rows)]
    replace_block(path, name, "\n".join(lines) + "\n")


def pin_threads() -> None:
    """One thread for torch and for what numpy calls, in this process and in those that it starts."""
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    threadpool_limits(1)
    torch.set_num_threads(1)


def prepare() -> None:
    """Set up what every measurement takes for granted."""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    MMLogger.get_instance("mmhsi", log_level="ERROR")
    keep_freed_memory()  # as mmhsi's commands do
    pin_threads()
    torch.manual_seed(0)


def main(
    files: Mapping[str, Sequence[Comparison]], arguments: Sequence[str] | None = None, block: str = "comparisons"
) -> None:
    """Run comparisons and print their table.

    Args:
        files: Comparisons by the file that holds them.
        arguments: Of the command line.
        block: Name of the table in the page.
    """
    parser = argparse.ArgumentParser(description="Comparisons side by side: ratios of A to B beside the stated goals.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="comparisons or files (default: all)")
    parser.add_argument("--list", action="store_true", help="print names and goals alone")
    parser.add_argument("--rounds", type=int, help="rounds that count (default: each comparison's own)")
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: whether it runs, no figures")
    parser.add_argument(
        "--device", default="cpu", help="cuda moves the comparisons of models and leaves the others out"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the rows into this page's table")
    args = parser.parse_args(arguments)
    every = [comparison for comparisons in files.values() for comparison in comparisons]
    names = [comparison.name for comparison in every]
    unknown = set(args.only or ()) - {*files, *names}
    if unknown:
        parser.error(f"no comparison or file {', '.join(sorted(unknown))}; --list prints the names")
    if args.quick and args.write:
        parser.error("--quick measures nothing worth writing")
    asked = {name for only in args.only or files for name in [only, *(c.name for c in files.get(only, ()))]}
    chosen = [c for c in every if c.name in asked and (args.device == "cpu" or c.on_device)]
    if args.list:
        for comparison in chosen:
            print(f"{comparison.name:24} {comparison.goal or '-':8} {comparison.title}")
        return
    prepare()
    where, when = machine(args.device), None if args.quick else date_and_commit()
    print(where, HEAD, sep="\n", flush=True)
    for comparison in chosen:
        with DefaultScope.overwrite_default_scope("mmhsi"), tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder), args.quick, torch.device(args.device))
            row = comparison.row(comparison.measure(bench, 1 if args.quick else args.rounds), when)
        print(row, flush=True)
        if args.write:
            write_row(args.write, block, where, names, row)
