"""The demo scene where nobody has written it: it is simulated when it is asked for."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.logging import print_log

from .catalogue import CATALOGUE, SceneInfo
from .simulation import simulate_scene, write_scene

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scene_folder(info: SceneInfo, root: Path) -> Iterator[Path]:
    """Folder that the paths of a scene are relative to.

    Args:
        info: What is known of the scene.
        root: Folder of the data.

    Yields:
        ``root``; for the catalogue's demo scene where its cube does not lie there, a folder that holds, meanwhile, the
        files that ``mmhsi make_demo_scene`` writes.
    """
    cube = root / info.image
    if info.image != CATALOGUE["demo"].image or cube.exists():
        yield root
        return
    print_log(f"{cube}: not there; the demo scene is simulated anew, as mmhsi make_demo_scene writes it", "current")
    with tempfile.TemporaryDirectory() as folder:
        write_scene(simulate_scene(), Path(folder, info.image).parent)
        yield Path(folder)
