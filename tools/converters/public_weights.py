"""Name the weights that the authors of a comparison model published as they are named here."""

from mmhsi.cli.command import WrittenFile, run, tool_parser


def main() -> None:
    """Read, rename, write."""
    parser = tool_parser(__doc__, "mmhsi public_weights SSTN published.pth --out sstn.pth")
    # Not the names themselves: their module imports torch, which a parser need not.
    parser.add_argument("model", help="ExViT, FreeNet, HiT, MAEST or SSTN")
    parser.add_argument("checkpoint", help="the published file; if refused, first mmhsi trust_checkpoint")
    parser.add_argument(
        "--out", type=WrittenFile, required=True, help="file for the weights, such as a config's load_from takes"
    )
    args = parser.parse_args()
    from mmhsi.models.weights import public_state, read_checkpoint, write_checkpoint

    state = public_state(args.model, read_checkpoint(args.checkpoint)["state_dict"])
    write_checkpoint({"meta": {}, "state_dict": state}, args.out)
    print(f"weights: {args.out}, {len(state)} tensors, {sum(value.numel() for value in state.values()):,} values")


if __name__ == "__main__":
    run(main)
