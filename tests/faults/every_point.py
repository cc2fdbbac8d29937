"""Lets every single write, sync, rename and removal of a command fail, kills it there, and cuts the power.

After each the same command, with --resume where it has one, has to end as one that nobody disturbed. Needs Linux and a
C compiler. All points, by hand: PYTHONPATH=tests:benchmarks python tests/faults/every_point.py
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.commands import Case

HERE = Path(__file__).resolve().parent
MODES = {"error": 1, "kill": 2}
WAYS = (*MODES, "power-cut")
SECONDS = 300


def with_shim() -> None:
    """Start this program anew with the shim loaded, if it is not."""
    if "FAULT_SHIM" in os.environ:
        return
    with tempfile.TemporaryDirectory() as folder:
        shim = Path(folder) / "shim.so"
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(shim), str(HERE / "shim.c"), "-ldl"]
        subprocess.run(command, check=True)
        environment = dict(os.environ, LD_PRELOAD=str(shim), FAULT_SHIM=str(shim), OMP_NUM_THREADS="1")
        raise SystemExit(subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode)


def in_fork(function: Callable[[], object], log: Path) -> tuple[int, object]:
    """Run a function in a forked process, its output in a file: exit status, and what it gave."""
    here, there = multiprocessing.Pipe(duplex=False)
    number = os.fork()
    if not number:
        status = 70
        try:
            os.setsid()
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: it ends with this program
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            status, result = function()
            there.send_bytes(pickle.dumps(result))
        except BaseException:
            traceback.print_exc()  # the log says why
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    there.close()
    given = None
    try:
        if here.poll(SECONDS):
            given = pickle.loads(here.recv_bytes())
    except EOFError:
        pass
    _, status = os.waitpid(number, 0)
    return os.waitstatus_to_exitcode(status), given


class Trial:
    """One command that is disturbed at its points.

    Args:
        case: The command.
        folder: Where it works; cleared for each trial.
        shim: The loaded library.
    """

    def __init__(self, case: Case, folder: Path, shim: ctypes.CDLL) -> None:
        self.case = case
        self.folder = folder / "work"
        self.log = folder / "log"
        self.shim = shim
        _, (self.points, self.expected) = self._run(resume=False)
        _, self.states = self._run(resume=False, power=True)

    def _run(self, resume: bool, point: int = 0, mode: int = 0, power: bool = False) -> tuple[int, tuple]:
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()

        def work() -> tuple[int, object]:
            from faults.power import PowerCut

            cut = None
            if power:
                cut = PowerCut(self.folder, self.case.others)
                cut.watch()
            self.shim.fault_start(str(self.folder).encode(), ctypes.c_long(point), mode)
            status = self.case.run(self.folder, resume)
            count = self.shim.fault_count()
            self.shim.fault_start(b"/nowhere", ctypes.c_long(0), 0)
            if cut is not None:
                return status, list(cut.states.values())
            return status, (count, self.case.outcome(self.folder) if not status else None)

        status, given = in_fork(work, self.log)
        if point == 0 and status:
            raise RuntimeError(f"{self.case.name}: undisturbed, it ended with {status}: {self.log.read_text()[-3000:]}")
        return status, given

    def disturb(self, mode: int, point: int) -> str | None:
        """Disturb one point and go on; what went wrong, if anything did."""
        status, given = self._run(False, point, mode)
        if mode == MODES["kill"] and status != -signal.SIGKILL:
            return None  # a point that this run did not come to: threads and timing differ
        if status not in (0, 2, -signal.SIGKILL) or "Traceback" in self.log.read_text(errors="replace"):
            return f"ended with {status}: {self.log.read_text(errors='replace')[-600:]}"
        if status == 0 and given[1] != self.expected:
            return "ended well, with another result"
        return self._go_on()

    def cut(self, number: int) -> str | None:
        """Go on from what a power cut left; what went wrong, if anything did."""
        from faults.power import restore

        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        restore(self.states[number - 1], self.folder)
        return self._go_on()

    def _go_on(self) -> str | None:
        if wrong := self.case.not_whole(self.folder):
            return f"left {wrong}, which is not whole"
        try:
            _, given = self._run(resume=True)
        except RuntimeError as error:
            return f"could not go on: {error}"
        if given is None or given[1] != self.expected:
            return "went on to another result"
        return None


def spread(count: int, wanted: int | None) -> list[int]:
    """So many numbers from 1 to ``count``, evenly spread; None: all."""
    if wanted is None or wanted >= count:
        return list(range(1, count + 1))
    return sorted({1 + round(index * (count - 1) / max(1, wanted - 1)) for index in range(wanted)})


def main() -> None:
    """Try, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, help="points of each command and way, evenly spread (default: all)")
    parser.add_argument("--only", default="", help="commands with this in their name")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS, help="how they are disturbed (default: all)")
    parser.add_argument("--part", type=int, nargs=2, default=(1, 1), metavar=("K", "N"), help="every N-th, from K")
    args = parser.parse_args()
    with_shim()
    from faults.commands import cases

    gc.collect()
    gc.freeze()  # mmengine's data sets collect garbage, which goes through all that the libraries hold
    shim = ctypes.CDLL(os.environ["FAULT_SHIM"])
    failed = []
    print("| command | disturbed by | points | tried | recovered |\n| --- | --- | ---: | ---: | ---: |", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(Path(folder), args.only):
            trial = Trial(case, Path(folder), shim)
            ways = [(mode, trial.points, partial(trial.disturb, MODES[mode])) for mode in MODES]
            ways.append(("power-cut", len(trial.states), trial.cut))
            for way, count, attempt in (entry for entry in ways if entry[0] in args.ways):
                chosen = spread(count, args.points)[args.part[0] - 1 :: args.part[1]]
                found = {point: wrong for point in chosen if (wrong := attempt(point))}
                print(f"| {case.name} | {way} | {count} | {len(chosen)} | {len(chosen) - len(found)} |", flush=True)
                failed += [f"{case.name}, {way} at {point}: {wrong}" for point, wrong in found.items()]
    gc.unfreeze()
    print(json.dumps(failed, indent=1) if failed else "all recovered")
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
