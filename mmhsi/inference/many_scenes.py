"""One model over many scenes: what is finished is skipped, what fails is told in the end."""

from __future__ import annotations

import os
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmhsi.errors import ConfigError, DataError, MMHSIError, one_line
from mmhsi.io.files import existing_file, file_states, reason
from mmhsi.io.json_file import read_json, read_state, write_state
from mmhsi.io.lock import hold_outputs
from mmhsi.io.readers.remote import is_remote

from .map_facts import MapFacts, map_facts
from .map_run import map_paths, open_map
from .row_blocks import Sharing
from .scene_opening import SceneRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .map_run import Progress
    from .scene_inferencer import SceneInferencer

RECORDS = "records"
"""Folder in the maps' one that holds what became of each scene."""
RANKS = {"pytorch": ("RANK", "WORLD_SIZE"), "slurm": ("SLURM_PROCID", "SLURM_NTASKS")}
"""Where each launcher tells which process this is, and how many there are."""


@dataclass(frozen=True)
class Record:
    """What became of a scene.

    Attributes:
        scene: As it was named.
        map: Name of its map within the folder.
        seconds: That it took.
        files: Files of the scene, their sizes and times of change.
        made_by: What tells the model, the options and the scene from others.
        error: Why there is no map; empty where there is one.
        facts: Of the map; None where there is none.
        written: The map's size and time of change.
    """

    scene: str
    map: str
    seconds: float
    files: list
    made_by: Any
    error: str = ""
    facts: MapFacts | None = field(default=None)
    written: list[int] = field(default_factory=list)


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
    """Name of each scene's map: that of the scene, with ``.tif``.

    Raises:
        DataError: If two would have one name, or there is none.
    """
    if not scenes:
        raise DataError("no scenes are named; give some, or a list")
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for scene in scenes:
        name = f"{Path(scene).stem}.tif"
        if name.casefold() in taken:  # some file systems do not tell cases apart
            raise DataError(f"{scene}: its map would have the name of that of {taken[name.casefold()]}; rename one")
        taken[name.casefold()] = names[scene] = scene
        names[scene] = name
    return names


def listed_scenes(path: str | Path) -> list[str]:
    """Scenes of a text file, one a line; empty lines and those that begin with # are left out.

    Args:
        path: The file; relative names in it are from its folder.

    Raises:
        DataError: If it cannot be read.
    """
    file = existing_file(path, "a list of scenes")
    try:
        lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file}: not a list of scenes ({reason(error)})") from error
    return [str(file.parent / line) for line in lines if line and not line.startswith("#")]


def stac_scenes(path: str | Path) -> list[str]:
    """Scenes of a STAC file: of every item the one asset whose roles name ``data``, or the only one there is.

    Args:
        path: An item, or a collection of items (``FeatureCollection``); its assets are files of this machine, relative
            names from the file's folder.

    Raises:
        DataError: If it is no such file, or an item has no asset that is meant, or one on a server.
    """
    content = read_json(path, "a STAC item or collection of items")
    items = content.get("features", [content]) if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise DataError(f"{path}: not a STAC item or collection of items")
    scenes = []
    for item in items:
        assets = item.get("assets") if isinstance(item, dict) else None
        found = [asset for asset in assets.values() if isinstance(asset, dict)] if isinstance(assets, dict) else []
        meant = [asset for asset in found if "data" in (asset.get("roles") or ())] or found
        name = item.get("id") if isinstance(item, dict) else item
        href = meant[0].get("href") if len(meant) == 1 else None
        if not isinstance(href, str):
            raise DataError(
                f"{path}: item {name!r} has {len(meant)} assets that may be meant, expected one of role data"
            )
        if "://" in href and not href.startswith("file://"):
            raise DataError(f"{path}: item {name!r} lies on a server; download {href} and name the file")
        scenes.append(str(Path(path).parent / href.removeprefix("file://")))
    return scenes


def predict_scenes(
    inferencer: SceneInferencer,
    scenes: Iterable[str],
    names: Mapping[str, str],
    folder: str | Path,
    progress: Progress | None = None,
    resume: bool = False,
    shared: bool = False,
    **options: Any,
) -> Iterator[tuple[Record, bool]]:
    """Write a map of every scene that has none of this model with these options; one that fails does not end it.

    One whose map another process is writing, or that of a scene in another folder stands there, fails too.

    Args:
        inferencer: The model.
        scenes: Those of this process (:func:`share`).
        names: Of :func:`map_names`, of all scenes.
        folder: Of the maps; ``records`` in it says what became of each scene.
        progress: Called with the rows done and the rows of the scene in all.
        resume: Whether a scene goes on from the finished rows of an interrupted run. Default False.
        shared: Whether other processes are given the same scenes, and all take blocks of rows of each. Default False.
        options: Further ones of :meth:`SceneInferencer.write_map`, of plain values.

    Yields:
        Each scene's record, and whether it was there before; of shared scenes those that this process has joined.
    """
    folder = Path(folder)
    made_by = [
        inferencer.model.digest,
        [*inferencer.window, *inferencer.stride, inferencer.model.amp],
        sorted([name, value] for name, value in options.items() if value),
    ]
    for scene in scenes:
        path, out = record_path(folder, names[scene]), folder / names[scene]
        made = _plain([*made_by, scene if is_remote(scene) else os.path.realpath(scene)])

        def stands(path: Path = path, made: object = made) -> bool:
            known = read_record(path)
            return known is not None and _stands(known, folder, made)

        known = read_record(path)
        if known is not None and _stands(known, folder, made):
            yield known, True
            continue
        begin = time.monotonic()

        def finish(
            files: list, error: str = "", scene: str = scene, begin: float = begin, made: object = made
        ) -> Record:
            facts = None if error or inferencer.spec.targets else map_facts(folder / names[scene])
            seconds = round(time.monotonic() - begin, 3)
            written = [] if error else _state(folder / names[scene])
            record = Record(scene, names[scene], seconds, files, made, error, facts, written)
            write_state(record_path(folder, names[scene]), asdict(record))
            return record

        try:
            # Until the record is written, or it would be of the map that another process makes in between.
            with nullcontext() if shared else hold_outputs([out]):
                _refuse_another(known, folder, made)
                try:
                    if shared:
                        how = dict(options)
                        ids, request = how.pop("ids", "original"), SceneRequest(scene, **how)
                        with open_map(inferencer, request, map_paths(inferencer, out), ids) as run:
                            if not run.share(Sharing(stands, finish), progress):  # other processes are at it
                                continue
                        record = read_record(path)
                        assert record is not None  # finish has written it
                    else:
                        step = dict(options, progress=progress, moving=progress)
                        record = finish(inferencer.write_map(scene, out, resume=resume, **step))
                except (MMHSIError, OSError, MemoryError) as caught:
                    record = finish([], one_line(str(caught)) or type(caught).__name__)
        except MMHSIError as caught:  # the record of the map that is there stays
            record = Record(scene, names[scene], 0.0, [], made, one_line(str(caught)))
        yield record, False


def record_path(folder: Path, name: str) -> Path:
    """Where a scene's record lies."""
    return folder / RECORDS / f"{name}.json"


def read_record(path: Path) -> Record | None:
    """A scene's record; None where there is none that can be used: the scene is then computed again.

    Args:
        path: From :func:`record_path`.
    """
    if not path.exists():
        return None
    try:
        content = read_state(path, "a record of mmhsi predict")
        facts = content.pop("facts")
        return Record(**content, facts=None if facts is None else MapFacts(**facts))
    except (DataError, TypeError, KeyError):
        return None


def _stands(record: Record, folder: Path, made_by: object) -> bool:
    """Whether a map is there as it was written, of the same files, by the same model and options."""
    if record.error or record.made_by != made_by:
        return False
    try:
        same = file_states([Path(file[0]) for file in record.files]) == record.files
        return same and _state(folder / record.map) == record.written
    except OSError:
        return False


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _refuse_another(known: Record | None, folder: Path, made_by: Any) -> None:
    """Refuse to replace the map of another scene, which happens to have the same name, as long as there is either."""
    if known is None or known.error or known.made_by[-1] == made_by[-1]:
        return
    if (folder / known.map).exists() and Path(known.made_by[-1]).exists():
        raise DataError(
            f"{folder / known.map}: is the map of {known.made_by[-1]}; give another --out-dir, or rename the scene"
        )


def _plain(value: object) -> object:
    """As JSON gives it back: lists for tuples."""
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
