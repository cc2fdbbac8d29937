"""Where the configs and tools that a package carries lie."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import islice
from pathlib import Path

from mmhsi.arguments import nearest

MOST_FILES = 2000
"""Looked through for the name that was meant."""


def packaged_folder(package: Path, part: str) -> Path:
    """Folder of the configs or the tools of an OpenMMLab package.

    Args:
        package: Folder of the package's code.
        part: ``'configs'`` or ``'tools'``.

    Returns:
        That in ``.mim``, which wheels and editable installs have; in a checkout that is on the path alone, the one
        beside the package.
    """
    installed = package / ".mim" / part
    return installed if installed.is_dir() else package.parent / part


CONFIGS = packaged_folder(Path(__file__).parent, "configs")
"""Folder of the package's configs."""


def missing_config(config: str | Path, path: Path) -> str:
    """What to say where a config, or one of its base files, is missing: the nearest one.

    Args:
        config: As it was named.
        path: The file that is missing.
    """
    found = list(islice(path.parent.glob("*.py"), MOST_FILES))
    names, wanted = ["/".join(each.parts[-2:]) for each in found], "/".join(path.parts[-2:])
    if path.is_relative_to(CONFIGS) or not get_close_matches(path.name, [each.name for each in found]):
        names += [f"mmhsi::{each.relative_to(CONFIGS).as_posix()}" for each in sorted(CONFIGS.rglob("*.py"))]
        wanted = f"mmhsi::{wanted}"
    own = path.as_posix().endswith(Path(str(config).rpartition("::")[2]).as_posix())
    what = "no such config" if own else f"its base {path} does not exist"
    return f"{config}: {what}{nearest(wanted, names)}"
