"""Draw how the runs of a table converged: one column's rows, mean and range over the seeds that are finished."""

from pathlib import Path

from mmhsi.cli.command import run, tool_parser


def main() -> None:
    """Collect the curves and draw them."""
    parser = tool_parser(__doc__)
    parser.add_argument("table", help="table file, e.g. benchmarks/tables/imae.py")
    parser.add_argument("out", help="PNG")
    parser.add_argument("--column", help="column of the table (default: the first)")
    parser.add_argument("--key", default="loss", help="logged value (default: %(default)s)")
    parser.add_argument("--work-dir", default="work_dirs/tables", help="folder of the runs (default: %(default)s)")
    args = parser.parse_args()
    from experiments.table import ExperimentTable, state

    from mmhsi.errors import ConfigError
    from mmhsi.visualization.curves import read_curve, save_curves

    table = ExperimentTable.from_file(args.table)
    wanted = args.column or table.columns[0]
    if wanted not in table.columns:
        raise ConfigError(f"{args.table}: no column {wanted!r}; has {'; '.join(table.columns)}")
    curves: dict[str, list] = {}
    for row, column, _, step in table.runs(None, Path(args.work_dir)):
        if column == wanted and state(step) == "done":
            curves.setdefault(row, []).append(read_curve(step.folder, args.key))
    save_curves(args.out, curves, args.key)
    print(f"{args.out}: {', '.join(f'{name} ({len(runs)} runs)' for name, runs in curves.items())}")


if __name__ == "__main__":
    run(main)
