"""Score a map, or a list of predictions, against the test pixels of a split: for a row of the leaderboard."""

from mmhsi.cli.command import run, tool_parser


def main() -> None:
    """Read, compare, print and write."""
    parser = tool_parser(__doc__, "mmhsi score map_seed0.tif --scene houston2018_crop --split fewshot20_seed0.npz")
    parser.add_argument("predictions", help="GeoTIFF map, or .npy of ids: of all pixels, or of the test pixels")
    parser.add_argument("--scene", required=True, help="data set, as mmhsi download_dataset --list names it")
    parser.add_argument("--split", required=True, help=".npz with train and test, flat row-major indices")
    parser.add_argument("--root", help="data folder (default: the environment's MMHSI_DATA, else data)")
    parser.add_argument("--out", help="JSON file for the report, which mmhsi show_report shows")
    args = parser.parse_args()
    from mmhsi.datasets import FileSplit, SceneDataset
    from mmhsi.datasets.download.dataset import default_root
    from mmhsi.errors import DataError
    from mmhsi.evaluation.metric import format_report, write_report
    from mmhsi.evaluation.scoring import read_predictions, score_predictions

    root = args.root or default_root()
    dataset = SceneDataset(scene=args.scene, data_root=root, subset="test", split=FileSplit(args.split))
    spec, split = dataset.spec, dataset.split
    if dataset.labels is None or split is None or not spec.label_ids:
        raise DataError(f"{args.scene}: has no labels to score with")
    predicted = read_predictions(args.predictions)
    matrix = score_predictions(predicted, dataset.labels, split.test, spec.label_ids, args.predictions)
    metrics = matrix.percentages()
    print(format_report(matrix, spec.classes))
    print("  ".join(f"{name} {value:.2f}" for name, value in metrics.items()))
    print(f"protocol: {args.scene}, {split.protocol}; {split.train.size} training and {split.test.size} test pixels")
    if args.out:
        write_report(args.out, matrix, spec.classes, metrics, f"{args.scene}, {split.protocol}")
        print(f"report: {args.out}")


if __name__ == "__main__":
    run(main)
