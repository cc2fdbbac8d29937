"""Read mutants of valid files, each batch in a process of its own, so that crashes and hangs are counted, not suffered.

By hand, for as long as wanted: ``python tests/fuzz/mutate.py --target envi --count 100000 --seed 0``. Every mutant
follows from target, seed and number: ``--first N --count 1`` makes one of them again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import selectors
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz.mutants import TARGETS, mutate

from mmhsi.errors import MMHSIError

SECONDS = 20
"""Of processor time, after which a mutant counts as a hang: the machine may have other work."""
PATIENCE = 15
"""Times as long a mutant may take that waits for something, or for a busy machine."""
MEGABYTES = 1024
"""What a process may take beyond what it has when it starts."""
BATCH = 250
FAULTS = ("crash", "hang", "stray")


def write_mutant(target: str, seed: int, number: int, seeds: list[tuple[str, dict[str, bytes]]], folder: Path) -> Path:
    """Write one mutant's files.

    Args:
        target: Name of the target.
        seed: Of the run.
        number: Of the mutant.
        seeds: For each seed file the name to open, and all files of its folder.
        folder: Is emptied first.
    """
    rng = np.random.default_rng([sorted(TARGETS).index(target), seed, number])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["MMHSI_UNPACKED"] = str(folder / "unpacked")
    name, files = seeds[int(rng.integers(len(seeds)))]
    # A header is more often worth a change than the data.
    names = sorted(files, key=lambda file: len(files[file]))
    changed = names[0] if len(names) == 1 or rng.random() < 0.8 else names[int(rng.integers(len(names)))]
    for file, content in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(mutate(content, rng) if file == changed else content)
    return folder / name


def outcome(target: str, path: Path) -> tuple[str, str]:
    """What comes of one mutant: ``result``, ``refused`` or ``stray``, and what was said."""
    try:
        TARGETS[target].read(path)
    except MMHSIError as error:
        text = str(error)
        return ("refused", text) if text.strip() and len(text.splitlines()) == 1 else ("stray", repr(text))
    except BaseException:
        return "stray", traceback.format_exc()
    return "result", ""


def _batch(target: str, seed: int, numbers: range, seeds: list, folder: Path, send: int) -> None:
    """Read some mutants, and tell of each when it begins and how it ended."""
    used = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
    limit = (used << 10) + (MEGABYTES << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    for number in numbers:
        path = write_mutant(target, seed, number, seeds, folder)
        os.write(send, json.dumps([number, "begins", ""]).encode() + b"\n")
        kind, text = outcome(target, path)
        os.write(send, json.dumps([number, kind, text[-3000:] if kind == "stray" else ""]).encode() + b"\n")


def run(target: str, count: int, seed: int = 0, first: int = 0, seconds: float = float("inf")) -> tuple[Counter, list]:
    """Read mutants.

    Args:
        target: Name in :data:`TARGETS`.
        count: How many.
        seed: Of the run.
        first: Number of the first.
        seconds: After which no further batch begins; the first one does, however busy the machine is.

    Returns:
        How many ended how, and (number, kind, text) of each fault.
    """
    counts: Counter = Counter()
    faults: list[tuple[int, str, str]] = []
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        seeds = []
        for index, write in enumerate(TARGETS[target].seeds):
            folder = Path(place) / f"seed{index}"
            folder.mkdir()
            path = write(folder)
            files = [file for file in folder.rglob("*") if file.is_file()]
            seeds.append((str(path.relative_to(folder)), {str(f.relative_to(folder)): f.read_bytes() for f in files}))
            assert outcome(target, path)[0] == "result", outcome(target, path)
        number = first
        while number < first + count and (number == first or time.monotonic() < end):
            numbers = range(number, min(number + BATCH, first + count))
            found, number = _forked(target, seed, numbers, seeds, Path(place) / "mutant")
            counts.update(kind for _, kind, _ in found)
            faults += [item for item in found if item[1] in FAULTS]
    return counts, faults


def _processor_seconds(process: int) -> float:
    """Processor time that a process has taken, 0 where it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _forked(target: str, seed: int, numbers: range, seeds: list, folder: Path) -> tuple[list, int]:
    """One batch in a child; the numbers' outcomes, and where to go on: behind one that crashed or hung."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(receive)
            devnull = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(devnull, stream)
            _batch(target, seed, numbers, seeds, folder, send)
        finally:
            os._exit(0)
    os.close(send)
    found, running, hung, rest = [], None, False, b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(receive, selectors.EVENT_READ)
        began, used = time.monotonic(), _processor_seconds(child)
        while True:
            if not waiting.select(SECONDS):
                waited = time.monotonic() - began
                if _processor_seconds(child) - used < SECONDS and waited < SECONDS * PATIENCE:
                    continue
                os.kill(child, signal.SIGKILL)
                hung = True
            part = os.read(receive, 1 << 16)
            if not part:
                break
            began, used = time.monotonic(), _processor_seconds(child)
            *lines, rest = (rest + part).split(b"\n")
            for number, kind, text in map(json.loads, lines):
                running = number if kind == "begins" else None
                if kind != "begins":
                    found.append((number, kind, text))
    os.close(receive)
    _, status = os.waitpid(child, 0)
    if running is None:
        return found, (found[-1][0] + 1) if found else numbers.stop
    ended = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"status {status}"
    found.append((running, "hang" if hung else "crash", f"after {SECONDS} s" if hung else ended))
    return found, running + 1


def main() -> None:
    """Run from the command line; exit status 1 if there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", choices=[*TARGETS, "all"], default="all")
    parser.add_argument("--count", type=int, default=10000, help="mutants of each target (default: 10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant (default: 0)")
    parser.add_argument("--keep", type=Path, help="folder for the files of mutants with faults")
    args = parser.parse_args()
    bad = 0
    for target in TARGETS if args.target == "all" else [args.target]:
        start = time.monotonic()
        counts, faults = run(target, args.count, args.seed, args.first)
        bad += len(faults)
        print(
            f"{target}: {sum(counts.values())} mutants in {time.monotonic() - start:.0f} s: {dict(counts)}", flush=True
        )
        for number, kind, text in faults[:20]:
            print(f"  {target} --seed {args.seed} --first {number}: {kind}: {text.strip()[-1500:]}", flush=True)
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
