"""Public weights: list what is known, get them, or convert a published file for configs to name."""

from mmhsi.cli.command import WrittenFile, run, tool_parser
from mmhsi.cli.inputs import ReadModel


def main() -> None:
    """List, get or convert."""
    parser = tool_parser(__doc__, "mmhsi weights list")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="print name, license, source and what to know of all, or of one")
    listing.add_argument("name", nargs="?", help="weights to tell all about")
    conversion = commands.add_parser("convert", help="write a published file as pretrained=NAME or load_from reads it")
    conversion.add_argument("name", help="weights or comparison model, as listed")
    conversion.add_argument("file", type=ReadModel, help="the published file; if refused, first mmhsi trust_checkpoint")
    getting = commands.add_parser("get", help="download from the Hugging Face hub, and convert")
    getting.add_argument("name", help="weights, as listed")
    for command in (conversion, getting):
        command.add_argument("--out", type=WrittenFile, help="checkpoint to write (default: weights/NAME.pth)")
    getting.add_argument("--revision", help="branch, tag or commit of the repository (default: the one on record)")
    args = parser.parse_args()
    from mmhsi.models.weights import PUBLIC_MODELS, convert, download_public, weights_file, write_checkpoint
    from mmhsi.models.weights.families import WEIGHTS, public_weights

    if args.command in ("convert", "get"):
        file = args.file if args.command == "convert" else download_public(args.name, args.revision)
        checkpoint = convert(args.name, file)
        out = args.out or weights_file(args.name)
        write_checkpoint(checkpoint, out)
        values = sum(value.numel() for value in checkpoint["state_dict"].values())
        print(f"{out}: {len(checkpoint['state_dict'])} tensors, {values:,} values")
    elif args.name in PUBLIC_MODELS:
        print(f"{args.name}: weights of its public code; mmhsi weights convert {args.name} FILE, then load_from")
    elif args.name:
        found = public_weights(args.name)
        place = ("file",) if found.carried else ("homepage", "url", "sha256")
        for field in ("name", "citation", "license", *place, "normalisation", "caveat"):
            value = weights_file(found.name) if field == "file" else getattr(found, field)
            print(f"{field:<14}{value or 'not known'}")
    else:
        for found in WEIGHTS.values():
            source = "comes with mmhsi" if found.carried else found.url or found.homepage
            print(f"{found.name:<28}{found.license:<60}{source}")
        print(f"weights of comparison models, to convert for load_from: {', '.join(sorted(PUBLIC_MODELS))}")


if __name__ == "__main__":
    run(main)
