"""List, run and tabulate a table of experiments; what is finished is kept, what was cut off goes on.

Figures that were recorded stand beside the table file, by row, column and seed; the table is made of these and of what
is finished here.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.cli.command import run, tool_parser

if TYPE_CHECKING:
    from experiments.table import Step


def named(name: str, words: list[str] | None) -> bool:
    """Whether one of the words occurs in a name; no words name all."""
    return not words or any(word in name for word in words)


def run_steps(steps: list[Step], jobs: int, threads: int, hold_scenes: bool) -> None:
    """Run steps and those before them: a line each, and a bar on a terminal.

    Args:
        steps: Last steps of chains.
        jobs: Runs at a time.
        threads: Threads of each.
        hold_scenes: Whether they share the training scenes, prepared once.
    """
    from experiments.plan import open_steps
    from experiments.runner import ExperimentRunner

    from mmhsi.cli.console import bar, duration

    total, done, began = len(open_steps(steps)), 0, time.monotonic()
    if not total:
        return
    with bar("running") as move:

        def finished(step: Step, seconds: float) -> None:
            nonlocal done
            done += 1
            left = (time.monotonic() - began) / done * (total - done)
            move(done, total, step.folder.name)
            print(f"{done}/{total}  {step.folder.name}: {duration(seconds)}, about {duration(left)} left", flush=True)

        move(0, total, f"{total} runs")
        ExperimentRunner(jobs, threads, hold_scenes, finished).run_all(steps)


def main() -> None:
    """Run the table."""
    parser = tool_parser(__doc__, "python benchmarks/run_table.py benchmarks/tables/ss_mae.py --seeds 0 1 2")
    parser.add_argument("table", help="table file, e.g. benchmarks/tables/ss_mae.py")
    parser.add_argument("--list", action="store_true", help="say which seeds of which cells are finished, and stop")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what is missing and how long it would take, and stop"
    )
    parser.add_argument("--no-run", action="store_true", help="tabulate what is finished, run nothing")
    parser.add_argument("--seeds", type=int, nargs="+", help="repetitions in place of the table's")
    parser.add_argument("--rows", nargs="+", help="run only rows with one of these words in their name")
    parser.add_argument("--columns", nargs="+", help="likewise for columns")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each run (default: 1)")
    parser.add_argument(
        "--hold-scenes",
        action="store_true",
        help="make the channels of a scene once, not by every run; all scenes of the runs stay in memory",
    )
    parser.add_argument("--work-dir", default="work_dirs/tables", help="folder of the runs (default: %(default)s)")
    parser.add_argument("--out", help="Markdown file for the table (default: print it)")
    parser.add_argument(
        "--record",
        action="store_true",
        help="keep the finished figures beside the table file, and write the table into the page that shows it",
    )
    args = parser.parse_args()
    from experiments.figures import finished_figures, read_figures, tabulate, write_figures
    from experiments.plan import describe, progress
    from experiments.record import forget_earlier
    from experiments.table import ROOT, ExperimentTable
    from side_by_side import replace_block

    from mmhsi.errors import ConfigError
    from mmhsi.io.files import write_whole

    table = ExperimentTable.from_file(args.table)
    seeds = tuple(args.seeds) if args.seeds else None
    work_dir = Path(args.work_dir)
    runs = [
        (row, column, seed, step)
        for row, column, seed, step in table.runs(seeds, work_dir)
        if named(row, args.rows) and named(column, args.columns)
    ]
    if not runs:
        raise ConfigError(f"{args.table}: no such rows or columns; has {'; '.join([*table.rows, *table.columns])}")
    kept = Path(args.table).with_suffix(".json")
    recorded = read_figures(kept, table)  # what is wrong with them is said before hours of runs
    foreign = [(column, seed) for _, column, seed, _ in runs if seed not in table.column_seeds(column)]
    if args.record and foreign:
        column, seed = foreign[0]
        known = ", ".join(map(str, table.column_seeds(column)))
        raise ConfigError(f"--seeds {seed}: --record keeps the table's seeds alone; {column} has {known}")
    if args.list:
        print("\n".join(progress(runs, recorded)))
        return
    if args.dry_run:
        print(describe(runs, recorded, work_dir))
        return
    if not args.no_run:
        run_steps([step for *_, step in runs], args.jobs, args.threads, args.hold_scenes)
    figures = read_figures(kept, table)
    for cell, finished in finished_figures(table, seeds, work_dir).items():
        own = {seed: run for seed, run in finished.items() if not args.record or seed in table.column_seeds(cell[1])}
        figures[cell] = figures.get(cell, {}) | own
    text = tabulate(table, figures)
    if args.record:
        write_figures(kept, table, figures)
        forget_earlier()
        print(f"figures: {kept}; benchmarks/model_zoo.py --write and overview.py --write take what has no fewer seeds")
        if table.page:
            replace_block(ROOT / table.page, Path(args.table).stem, text)
            print(f"table: {table.page}")
    if args.out:
        write_whole(args.out, f"### {table.title}\n\n{text}")
        print(f"table: {args.out}")
    else:
        print(f"### {table.title}\n\n{text}", end="")


if __name__ == "__main__":
    run(main)
