"""The scenes of a command: those of lists and STAC items, the names of their maps, and each process's share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError, DataError
from mmhsi.io.files import existing_file, reason
from mmhsi.io.json_file import read_json
from mmhsi.io.readers.remote import is_remote, place_of

if TYPE_CHECKING:
    from collections.abc import Sequence

RANKS = {"pytorch": ("RANK", "WORLD_SIZE"), "slurm": ("SLURM_PROCID", "SLURM_NTASKS")}
"""Where each launcher tells which process this is, and how many there are."""


def share(scenes: Sequence[str], launcher: str = "none") -> list[str]:
    """The scenes of this process: every n-th one of n processes.

    Args:
        scenes: All, in the same order in every process.
        launcher: ``'none'``, ``'pytorch'`` or ``'slurm'``, which have told the process its number in its environment.

    Raises:
        ConfigError: If the launcher is unknown, or has told nothing.
    """
    if launcher == "none":
        return list(scenes)
    if launcher not in RANKS:
        raise ConfigError(f"--launcher {launcher}: unknown, expected none, {', '.join(RANKS)}")
    try:
        rank, count = (int(os.environ[name]) for name in RANKS[launcher])
    except (KeyError, ValueError):
        raise ConfigError(
            f"--launcher {launcher}: {' and '.join(RANKS[launcher])} are not set; start it with "
            f"{'torchrun' if launcher == 'pytorch' else 'srun'}"
        ) from None
    return list(scenes[rank::count])


def map_names(scenes: Sequence[str]) -> dict[str, str]:
    """Name of each scene's map: that of the scene, with ``.tif``. A file that is named twice counts once.

    Raises:
        DataError: If two would have one name, or there is none.
    """
    if not scenes:
        raise DataError("no scenes are named; give some, or a list")
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for scene in scenes:
        name = f"{Path(scene).stem}.tif"
        other = taken.setdefault(name.casefold(), scene)  # some file systems do not tell cases apart
        if other == scene:
            names[scene] = name
        elif scene_identity(other) != scene_identity(scene):
            raise DataError(f"{scene}: its map would have the name of that of {other}; rename one")
    return names


def listed_scenes(path: str | Path) -> list[str]:
    """Scenes of a text file, one a line; empty lines and those that begin with # are left out.

    Args:
        path: The file, UTF-8; relative names in it are from its folder.

    Raises:
        DataError: If it cannot be read.
    """
    file = existing_file(path, "a list of scenes")
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not a list of scenes ({reason(error)})") from error
    return [place_of(line, file.parent) for line in lines if line and not line.startswith("#")]


def stac_scenes(path: str | Path) -> tuple[list[str], dict[str, str]]:
    """Scenes of a STAC file: of every item the one asset whose roles name ``data``, or the only one there is.

    Args:
        path: An item, or a collection of items (``FeatureCollection``); relative names in it are from its folder.

    Returns:
        The scenes; and of items of which no asset is meant, by their names, why.

    Raises:
        DataError: If it is no such file.
    """
    content = read_json(path, "a STAC item or collection of items")
    items = content.get("features", [content]) if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise DataError(f"{path}: not a STAC item or collection of items")
    scenes, failed = [], {}
    for item in items:
        assets = item.get("assets") if isinstance(item, dict) else None
        found = [asset for asset in assets.values() if isinstance(asset, dict)] if isinstance(assets, dict) else []
        meant = [asset for asset in found if isinstance(asset.get("roles"), list) and "data" in asset["roles"]] or found
        name = item.get("id") if isinstance(item, dict) else item
        href = meant[0].get("href") if len(meant) == 1 else None
        if isinstance(href, str) and href:
            scenes.append(place_of(href, Path(path).parent))
            continue
        said = f"{path}: item {name!r}"
        failed[said] = f"{said} has {len(meant)} assets that may be meant, expected one of role data"
    return scenes, failed


def scene_identity(scene: str) -> str:
    """What tells a scene from others, however it is named."""
    return scene if is_remote(scene) or "\0" in scene else os.path.realpath(scene)
