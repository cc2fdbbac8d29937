"""Remove pruned layers from a checkpoint, for deployment."""

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.inputs import ReadModel


def main() -> None:
    """Strip, save, and say how to build the smaller model."""
    parser = tool_parser(__doc__, "mmhsi strip_pruned runs/ft/epoch_100.pth --out small.pth")
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint of a training with LayerPruningHook")
    parser.add_argument(
        "--out",
        type=WrittenFile,
        required=True,
        help="file for the weights that are left; optimiser and schedules are not kept",
    )
    args = parser.parse_args()
    from mmhsi.errors import ConfigError
    from mmhsi.models.pruning import pruned_prefixes, strip_state_dict
    from mmhsi.models.weights import read_checkpoint, write_checkpoint

    checkpoint = read_checkpoint(args.checkpoint)
    layers = pruned_prefixes(checkpoint["state_dict"])
    if not layers:
        raise ConfigError(f"checkpoint {args.checkpoint}: no layer is pruned; was it trained with LayerPruningHook?")
    state = strip_state_dict(checkpoint["state_dict"])
    write_checkpoint({"meta": checkpoint.get("meta", {}), "state_dict": state}, args.out)
    before, after = (sum(value.numel() for value in part.values()) for part in (checkpoint["state_dict"], state))
    print(f"dropped: {', '.join(layer.rstrip('.') for layer in layers)}")
    print(f"weights: {args.out}, {after:,} values of {before:,} are left; it loads with the config of the training")


if __name__ == "__main__":
    run(main)
