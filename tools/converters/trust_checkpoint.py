"""Rewrite a checkpoint that you trust, as weights and plain data alone. Reading it RUNS any code that it holds."""

import os

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.inputs import ReadModel


def main() -> None:
    """Read, keep the tensors, write."""
    parser = tool_parser(__doc__, "mmhsi trust_checkpoint published.pth --out weights.pth")
    parser.add_argument("checkpoint", type=ReadModel, help="file that was refused, from somebody whom you trust")
    parser.add_argument(
        "--out",
        type=WrittenFile,
        required=True,
        help="file for the weights; optimiser, schedules and metadata are not kept",
    )
    args = parser.parse_args()
    from mmhsi.models.weights import trusted_weights, write_checkpoint

    os.environ.pop("TORCH_FORCE_WEIGHTS_ONLY_LOAD", None)
    state = trusted_weights(args.checkpoint)
    write_checkpoint({"meta": {}, "state_dict": state}, args.out)
    print(f"weights: {args.out}, {len(state)} tensors, {sum(value.numel() for value in state.values()):,} values")


if __name__ == "__main__":
    run(main)
