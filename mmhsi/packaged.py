"""Where the configs and tools that a package carries lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
