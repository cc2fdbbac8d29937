"""How commands open cubes: the options that all of them share."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from .inputs import ReadLabels, ReadReference

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mmhsi.cli.command import CommandParser
    from mmhsi.io import CubeInfo
    from mmhsi.io.readers.base import CubeReader

LABEL_IDS_HELP = "id of each class of the map (default: by their names, where the label map has names, else 1 to K)"
AXES_HELP = "axes of an array whose file does not name them, in the order of its shape, such as 'y x band'"


class _AllowNetwork(argparse.Action):
    """Set the environment variable that readers ask."""

    def __call__(self, *_: object) -> None:
        os.environ["MMHSI_ALLOW_NETWORK"] = "1"


class _Masks(argparse.Action):
    """Check the names of quality layers before anything is opened."""

    def __call__(self, parser: object, namespace: argparse.Namespace, values: Any, *_: object) -> None:
        from mmhsi.io.cube_options import CubeOptions  # not where a command only says how it is used

        namespace.mask = list(CubeOptions(mask=values).mask)


def cube_arguments(parser: argparse.ArgumentParser, unless: str = "none") -> None:
    """Add how a cube is opened, which :func:`open_named` and :func:`image_options` read.

    Args:
        parser: Changed in place.
        unless: What counts as quality layers where none are given.
    """
    what = "let cubes be GeoTIFFs on servers: https://…, s3://… (default: MMHSI_ALLOW_NETWORK=1 alone does)"
    parser.add_argument("--network", action=_AllowNetwork, nargs=0, help=what)
    parser.add_argument("--key", help="variable of a .mat or HDF5 file")
    parser.add_argument("--axes", help=AXES_HELP)
    parser.add_argument(
        "--mask",
        nargs="*",
        action=_Masks,
        metavar="LAYER",
        help="quality layers of a product that make a pixel invalid: cloud, shadow, haze, cirrus, snow, saturation, or "
        f"nothing for none (default: {unless})",
    )
    parser.add_argument("--raw-geometry", action="store_true", help="read a product as the sensor saw it, off the map")
    parser.add_argument(
        "--dark", type=ReadReference, help="dark reference of a lab camera's raw file (default: the one beside it)"
    )
    parser.add_argument("--white", type=ReadReference, help="its white reference, or none for raw values")


def band_numbers(text: str) -> list[int]:
    """The ``type`` of an option that names bands, such as ``0,104-108``.

    Args:
        text: Numbers from 0 and ranges, both ends included.

    Returns:
        Each once, in increasing order.
    """
    named = set[int]()
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        if len(ends) > 2 or not all(end.isascii() and end.isdecimal() and len(end) < 6 for end in ends):
            raise argparse.ArgumentTypeError(f"{text} given, expected numbers and ranges from 0, such as 0,104-108")
        first, last = int(ends[0]), int(ends[-1])
        if first > last:
            raise argparse.ArgumentTypeError(f"{part.strip()} given, expected the lower band first")
        named.update(range(first, last + 1))
    return sorted(named)


def image_options(args: argparse.Namespace) -> dict[str, Any]:
    """Those of :class:`mmhsi.io.CubeOptions` that are given.

    Args:
        args: Parsed, see :func:`cube_arguments`.
    """
    given = dict(mask=args.mask, dark=args.dark, white=args.white, ortho=False if args.raw_geometry else None)
    return {name: value for name, value in given.items() if value is not None}


def open_named(path: str, args: argparse.Namespace) -> CubeReader:
    """Open a cube as the options say.

    Args:
        path: What the user named.
        args: Parsed, see :func:`cube_arguments`.
    """
    from mmhsi.io import open_cube

    return open_cube(path, args.key, args.axes, **image_options(args))


def check_label_options(args: argparse.Namespace) -> None:
    """Refuse options of label maps where the labels are drawn, and the other way round.

    Args:
        args: Parsed: ``labels``, perhaps None, and the options of both.

    Raises:
        ConfigError: One is given that nobody would read.
    """
    from mmhsi.errors import ConfigError
    from mmhsi.io.vectors import is_vector

    drawn = is_vector(args.labels or "")
    lost = dict(labels_key=None, labels_axes=None) if drawn else dict(label_field="class", label_layer=None)
    for name, default in lost.items():
        if args.labels and getattr(args, name) != default:
            what = "label maps in arrays" if drawn else "files of polygons and points"
            raise ConfigError(f"--{name.replace('_', '-')} says nothing of {args.labels}; it is for {what}")


def map_arguments(parser: CommandParser) -> None:
    """Add what the commands that show a map ask of its scene and of its labels.

    Args:
        parser: Changed in place.
    """
    cube_arguments(parser)
    parser.add_argument("--bands", type=int, nargs=3, help="0-based bands shown as red, green, blue")
    parser.add_argument("--labels", type=ReadLabels, help="label map of the scene, or drawn labels")
    parser.add_argument("--labels-key", help="variable of a .mat or HDF5 label map")
    parser.add_argument("--labels-axes", help="its axes, as --axes")
    parser.add_argument("--label-field", default="class", help="field of the classes of drawn labels (default: class)")
    parser.add_argument("--label-layer", help="their layer, where a file has several")
    parser.add_argument("--label-ids", type=int, nargs="+", help=LABEL_IDS_HELP)
    parser.add_argument("--ignore-ids", type=int, nargs="+", help="ids that mean no label (default: 0)")
    options = ("--labels-key", "--labels-axes", "--label-field", "--label-layer", "--label-ids", "--ignore-ids")
    parser.without("--labels", *options)


def named_truth(info: CubeInfo, names: Sequence[str], args: argparse.Namespace) -> NDArray[np.uint8] | None:
    """Read the labels of a map's scene as the options say; None where none are given.

    Args:
        info: What the scene's file says of itself.
        names: The map's class names.
        args: Parsed, see :func:`map_arguments`.
    """
    check_label_options(args)
    if not args.labels:
        return None
    from mmhsi.visualization.mapped_scene import read_truth

    ids = args.label_ids, args.ignore_ids
    field = args.label_field, args.label_layer
    return read_truth(args.labels, info, names, *ids, args.labels_key, args.labels_axes, *field)
