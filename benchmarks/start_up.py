"""What a process spends before it works: imports of mmhsi beside that of torch alone."""

import os
import subprocess
import sys
from functools import partial

from side_by_side import Bench, Comparison, Measure, main


def import_time(modules: str) -> float:
    """Seconds of the processor that a fresh Python takes to start and to import something."""
    before = os.times()
    subprocess.run([sys.executable, "-c", f"import {modules}"], check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def imports(_: Bench) -> tuple[Measure, Measure]:
    """Imports of data sets and models, and of torch."""
    return partial(import_time, "mmhsi.datasets, mmhsi.models"), partial(import_time, "torch")


COMPARISONS = [
    Comparison(
        "imports",
        "a fresh process that imports mmhsi's data sets and models beside one that imports torch; 3 s beside 1.3 s "
        "are asked for",
        imports,
        "≤ 2.3",
    ),
]

if __name__ == "__main__":
    main({"start_up": COMPARISONS})
