"""Score maps or lists of predictions, made by any program, on the test pixels of a split; one file a seed."""

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.inputs import ReadMap


def main() -> None:
    """Read, count, print; add a row to a leaderboard where asked."""
    parser = tool_parser(__doc__, "mmhsi score map.tif --dataset houston2018-crop_5-per-class --seeds 0")
    parser.add_argument(
        "predictions",
        type=ReadMap,
        nargs="+",
        help="class map with names, label map of the scene's ids, or CSV table with row, column, class; one a seed. Of "
        "tiles: a folder with one a tile",
    )
    parser.add_argument(
        "--dataset", metavar="NAME", required=True, help="data and split: a file of configs/_base_/datasets"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="seed of each file's split (default: 0)")
    parser.add_argument(
        "--out", type=WrittenFile, help="JSON leaderboard to add the row to, such as docs/leaderboard.json"
    )
    parser.add_argument("--method", help="name of the row")
    parser.add_argument("--sees", default="HSI", help="what the method is given (default: HSI)")
    parser.add_argument("--source", help="config, paper or address of the code")
    parser.add_argument("--replace", action="store_true", help="put the row in place of the one of its name and source")
    parser.without("--out", "--method", "--sees", "--source", "--replace")
    args = parser.parse_args()
    from mmhsi.arguments import nearest
    from mmhsi.errors import ConfigError
    from mmhsi.packaged import CONFIGS

    names = {path.stem: path for path in (CONFIGS / "_base_/datasets").glob("*.py")}
    if args.dataset not in names:
        raise ConfigError(f"--dataset {args.dataset}: no such data{nearest(args.dataset, names)}")
    if len(set(args.seeds)) != len(args.predictions) or len(args.seeds) != len(args.predictions):
        raise ConfigError(
            f"{len(args.predictions)} files of predictions, --seeds {args.seeds}; expected one seed a file"
        )
    if args.out and not (args.method and args.source):
        raise ConfigError("--out: a row of a leaderboard needs --method and --source")
    from mmengine.registry import DefaultScope

    from mmhsi.config_files import load_config
    from mmhsi.engine import set_seed
    from mmhsi.evaluation.leaderboard import METRICS, Entry, add_row, lacking_seeds
    from mmhsi.evaluation.scoring import score
    from mmhsi.inference.stac import check_training
    from mmhsi.registry import DATASETS

    if args.out and (wrong := lacking_seeds(args.dataset, args.seeds)):
        raise ConfigError(f"--seeds: the row {wrong}")
    by_seed = {}
    for seed, path in zip(args.seeds, args.predictions, strict=True):
        cfg = load_config(names[args.dataset])
        if "test_dataloader" not in cfg:
            raise ConfigError(f"--dataset {args.dataset}: has no test pixels")
        set_seed(cfg, seed)
        with DefaultScope.overwrite_default_scope("mmhsi"):
            dataset = DATASETS.build(cfg.test_dataloader.dataset)
        check_training(path, dataset.spec)
        figures = score(path, dataset).percentages()
        by_seed[str(seed)] = {name: round(figures[name], 2) for name in METRICS}
        print(f"seed {seed}: " + "  ".join(f"{name} {figures[name]:.2f}" for name in METRICS) + f"  ({path})")
    print(f"protocol: {dataset.spec.protocol}")
    if args.out:
        add_row(args.out, Entry(args.dataset, args.method, args.sees, args.source, by_seed), args.replace)
        print(f"row: {args.out}")


if __name__ == "__main__":
    run(main)
