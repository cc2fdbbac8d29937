"""Files that commands read: types of their options, which are looked for before anything slow is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from mmhsi.errors import ConfigError
from mmhsi.packaged import CONFIGS, missing_config

if TYPE_CHECKING:
    import argparse

    from .command import CommandParser


class ReadFile(str):
    """A file or folder that a command reads, as the ``type`` of its option: a cube, unless a class below says else.

    :func:`check_there` looks for it, as every parser of :func:`mmhsi.cli.command.tool_parser` does.
    """

    __slots__ = ()
    expected: ClassVar[str] = ""
    """What should be there, for the message; empty for a cube."""


def reads(expected: str) -> type[ReadFile]:
    """The ``type`` of an option whose file is no cube.

    Args:
        expected: What should be there, for the message.
    """
    return type("ReadFile", (ReadFile,), dict(__slots__=(), expected=expected))


ReadModel = reads("a checkpoint")
ReadLabels = reads("polygons or points (.gpkg, .geojson, .shp, .fgb, .csv), or a raster of class numbers")
ReadMap = reads("a map of mmhsi classify or predict, a GeoTIFF")
ReadReport = reads("a report of mmhsi test --out")


class ReadNamedModel(ReadFile):
    """A checkpoint, or a name without a suffix, which stands for another one."""

    __slots__ = ()
    expected = "a checkpoint"


class ReadReference(ReadFile):
    """A reference of a lab camera, or ``none``."""

    __slots__ = ()


class ReadConfig(ReadFile):
    """A config, also one that a package carries."""

    __slots__ = ()


def check_there(*paths: object) -> None:
    """Check that files exist.

    Args:
        *paths: As they were given; only those of a class of this module are looked for, and of these what lies on
            servers, parts of containers and patterns are left to the reader.

    Raises:
        FileFormatError: One does not exist.
        ConfigError: A config does not exist.
    """
    for path in paths:
        if not isinstance(path, ReadFile) or (isinstance(path, ReadReference) and path == "none"):
            continue
        if isinstance(path, ReadNamedModel) and not Path(path).suffix:
            continue
        if isinstance(path, ReadConfig):
            _check_config(path)
        elif not any(sign in os.path.splitdrive(path)[1] for sign in ":*?[") and not os.path.lexists(path):
            from mmhsi.io.files import CUBE_FORMATS, existing_file

            existing_file(path, path.expected or CUBE_FORMATS)


def _check_config(config: str) -> None:
    package, carried, inner = config.partition("::")
    path = CONFIGS / inner if carried and package == "mmhsi" else Path(config)
    if path.suffix != ".py":
        raise ConfigError(f"{config}: no config; expected a Python file (.py)")
    if (not carried or package == "mmhsi") and not os.path.lexists(path):
        raise ConfigError(missing_config(config, path))


def split_files(args: argparse.Namespace, parser: CommandParser) -> None:
    """Take ``args.files`` apart into ``config``, None for a published checkpoint, ``checkpoint`` and ``scenes``.

    Scenes are not looked for here: of many, some may be missing.

    Args:
        args: Parsed, changed in place.
        parser: Says what is wrong.
    """
    given = list(args.files)
    args.config = ReadConfig(given.pop(0)) if given[0].lower().endswith(".py") else None
    if not given:
        parser.error("no checkpoint is named")
    args.checkpoint, *args.scenes = ReadModel(given[0]), *map(ReadFile, given[1:])
    check_there(args.config, args.checkpoint)
