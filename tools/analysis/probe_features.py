"""Score frozen features on patch tokens, without a decoder: k nearest neighbours and a linear probe."""

from mmhsi.cli.command import WrittenFile, run, tool_parser, whole
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Extract, classify and print."""
    parser = tool_parser(
        __doc__, "mmhsi probe_features configs/my_scene/cnn.py runs/mae/epoch_100.pth --out probe.json"
    )
    config_argument(parser, "config of fine-tuning, which has labelled training and test data")
    parser.add_argument(
        "checkpoint",
        type=ReadModel,
        nargs="?",
        help="checkpoint of pretraining or fine-tuning (default: an untrained network)",
    )
    parser.add_argument("--prefix", default="backbone.", help="where the backbone is in it (default: %(default)s)")
    parser.add_argument("--methods", nargs="+", choices=["knn", "linear"], default=["knn", "linear"])
    parser.add_argument("--neighbors", type=whole(1), default=20, help="k of k nearest neighbours (default: 20)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the split and of the linear probe's folds")
    parser.add_argument("--device", help="torch device (default: a GPU where there is one)")
    parser.add_argument("--out", type=WrittenFile, help="JSON file for the figures")
    args = parser.parse_args()

    import torch

    from mmhsi.engine import set_seed
    from mmhsi.evaluation import ConfusionMatrix
    from mmhsi.evaluation.probes import knn_probe, linear_probe
    from mmhsi.inference.feature_extractor import FeatureExtractor
    from mmhsi.io.files import write_json
    from mmhsi.progress import begin

    cfg = read_config(args)
    set_seed(cfg, args.seed)
    torch.manual_seed(args.seed)  # weights of an untrained network
    extractor = FeatureExtractor(cfg, args.checkpoint, args.prefix, args.device)
    datasets = [extractor.dataset(loader) for loader in ("train_dataloader", "test_dataloader")]
    train, test = (extractor.labelled(dataset) for dataset in datasets)
    spec = datasets[1].spec
    print(f"protocol: {spec.protocol}; {len(train.labels)} training and {len(test.labels)} test features")
    report: dict = {"protocol": spec.protocol, "methods": {}}
    begin("classifying")
    for method in args.methods:
        if method == "knn":
            predicted = knn_probe(train.features, train.labels, test.features, args.neighbors)
        else:
            predicted = linear_probe(train.features, train.labels, test.features, args.seed, train.tiles)
        figures = ConfusionMatrix.from_labels(test.labels, predicted, spec.num_classes).percentages()
        report["methods"][method] = figures
        print(f"{method:<7}" + "  ".join(f"{name} {value:.2f}" for name, value in figures.items()))
    if args.out:
        write_json(args.out, report)
        print(f"figures: {args.out}")


if __name__ == "__main__":
    run(main)
