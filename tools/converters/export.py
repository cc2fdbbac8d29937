"""Write a trained model to ONNX or torch.export: raw values in, class probabilities out."""

from mmhsi.cli.command import run, tool_parser, whole, writes
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Export and compare."""
    parser = tool_parser(__doc__, "mmhsi export model.pth --out model.onnx")
    config_argument(parser, "config file of the training; none for a published checkpoint", optional=True)
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint file")
    parser.add_argument(
        "--out",
        type=writes("a model", ".onnx", ".pt2"),
        required=True,
        help="file to write: .onnx, or .pt2 for torch.export",
    )
    parser.add_argument("--window", type=whole(1), help="side of a segmentor's windows (default: as in training)")
    args = parser.parse_intermixed_args()  # options may stand between the one or two positional ones
    from mmhsi.engine.quiet_logging import hush_models
    from mmhsi.inference import SceneInferencer
    from mmhsi.inference.export import export_model
    from mmhsi.progress import begin

    if not args.verbose:
        hush_models()
    config = read_config(args) if args.config else None
    inferencer = SceneInferencer(config, args.checkpoint, device="cpu", window=args.window)
    begin("exporting and comparing")
    difference = export_model(inferencer.model, args.out, inferencer.window)
    height, width = inferencer.window
    if steps := inferencer.model.spec.transforms:
        print(
            f"input: not raw values, but what {', '.join(step['type'] for step in steps)} of the training makes of them"
        )
    print(f"model: {args.out}, windows of {height}x{width}, any batch; {difference:.1e} at most from PyTorch")


if __name__ == "__main__":
    run(main)
