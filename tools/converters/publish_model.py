"""Write a checkpoint to hand on, which needs no config and no optimiser, and a model card to be filled in."""

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.inputs import ReadModel
from mmhsi.cli.options import config_argument, read_config


def main() -> None:
    """Publish, and say what to do with the file."""
    parser = tool_parser(__doc__, "mmhsi publish_model configs/my_scene/cnn.py runs/ft/epoch_100.pth --out model.pth")
    config_argument(parser, "config file of the training")
    parser.add_argument("checkpoint", type=ReadModel, help="checkpoint of the training")
    parser.add_argument(
        "--out", type=WrittenFile, required=True, help="file to write; a part of its checksum is put before the suffix"
    )
    args = parser.parse_args()
    from mmhsi.inference.publishing import publish_checkpoint

    path = publish_checkpoint(read_config(args), args.checkpoint, args.out)
    print(f"model card: {path.with_suffix('.md')}, to be filled in")
    print(f"model: {path}, {path.stat().st_size:,} bytes; mmhsi predict takes it in the place of config and checkpoint")


if __name__ == "__main__":
    run(main)
