"""One run at a time in a work dir."""

from __future__ import annotations

import os
import shutil
import tokenize
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError, MMHSIError
from mmhsi.io.lock import hold
from mmhsi.launchers import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterator


def check_config_place(path: Path) -> None:
    """Check that a run, which writes its whole config into the work dir, writes over none of somebody's own.

    Args:
        path: Where the config is written.

    Raises:
        ConfigError: If a config is there that no run has written: it has comments, a ``_base_`` or imports.
    """
    try:
        with path.open("rb") as file:
            own = any(
                word.type == tokenize.COMMENT or word.string in ("_base_", "import")
                for word in tokenize.tokenize(file.readline)
            )
    except FileNotFoundError:
        return
    except (SyntaxError, tokenize.TokenError):  # UnicodeDecodeError comes as the first
        own = True
    if own:
        raise ConfigError(
            f"work dir {path.parent}: holds {path.name}, over which the run would write its whole config; choose "
            "another --work-dir"
        )


@contextmanager
def hold_work_dir(folder: str | Path, launcher: str = "none") -> Iterator[None]:
    """:func:`hold` a run's work dir; a run that fails before it has measured or saved anything leaves nothing in it.

    Args:
        folder: The work dir.
        launcher: mmengine's. Of a distributed run the first process holds it.
    """
    if int(os.environ.get(TOLD.get(launcher, ("",))[0], 0)) > 0:
        yield
        return
    folder = Path(folder)
    missing = [path for path in folder.parents if not path.exists()]
    try:
        with hold(folder, "work dir", "choose another --work-dir"), _leaving_nothing(folder):
            yield
    finally:
        with suppress(OSError):  # those that are not empty stay
            for path in missing:
                path.rmdir()


@contextmanager
def _leaving_nothing(folder: Path) -> Iterator[None]:
    before = set(folder.iterdir())
    try:
        yield
    except (MMHSIError, OSError, MemoryError):
        made = [path for path in folder.iterdir() if path not in before]
        if not any(map(_holds_results, made)):
            for path in made:
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            _forget_visualizers(made)
        raise


def _forget_visualizers(folders: list[Path]) -> None:
    """Let the next run of this process and this second make its own: mmengine keeps them by the run's name."""
    from mmengine.visualization import Visualizer

    kinds = [Visualizer]
    for kind in kinds:
        kinds += kind.__subclasses__()
        kept = kind._instance_dict
        for name, made in list(kept.items()):
            places = [Path(backend._save_dir) for backend in made._vis_backends.values()]
            if any(place.is_relative_to(folder) for place in places for folder in folders):
                del kept[name]


def _holds_results(path: Path) -> bool:
    """Whether there is more than logs, the config and the split: weights, pictures, or any figure."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return any(
        file.suffix not in (".log", ".py", ".json", ".npz") or (file.name == "scalars.json" and file.stat().st_size > 0)
        for file in files
    )
