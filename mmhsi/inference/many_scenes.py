"""One model over many scenes: what is finished is skipped, what fails is told in the end.

Nothing here imports torch before there is a scene to map: of thousands that are finished a start looks at the records.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmhsi.errors import ConfigError, DataError, MMHSIError, one_line
from mmhsi.io.files import existing_file, file_digest, origin, reason
from mmhsi.io.json_file import read_json, read_state, write_state
from mmhsi.io.lock import hold_outputs
from mmhsi.io.readers.remote import is_remote, place_of

from .map_facts import MapFacts, map_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from mmengine.config import Config

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
        if _identity(other) != _identity(scene):
            raise DataError(f"{scene}: its map would have the name of that of {other}; rename one")
        if other == scene:
            names[scene] = name
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


def stac_scenes(path: str | Path) -> list[str]:
    """Scenes of a STAC file: of every item the one asset whose roles name ``data``, or the only one there is.

    Args:
        path: An item, or a collection of items (``FeatureCollection``); relative names in it are from its folder.

    Raises:
        DataError: If it is no such file, or an item has no asset that is meant.
    """
    content = read_json(path, "a STAC item or collection of items")
    items = content.get("features", [content]) if isinstance(content, dict) else None
    if not isinstance(items, list):
        raise DataError(f"{path}: not a STAC item or collection of items")
    scenes = []
    for item in items:
        assets = item.get("assets") if isinstance(item, dict) else None
        found = [asset for asset in assets.values() if isinstance(asset, dict)] if isinstance(assets, dict) else []
        meant = [asset for asset in found if isinstance(asset.get("roles"), list) and "data" in asset["roles"]] or found
        name = item.get("id") if isinstance(item, dict) else item
        href = meant[0].get("href") if len(meant) == 1 else None
        if not isinstance(href, str) or not href:
            raise DataError(
                f"{path}: item {name!r} has {len(meant)} assets that may be meant, expected one of role data"
            )
        scenes.append(place_of(href, Path(path).parent))
    return scenes


def model_identity(
    config: Config | None,
    checkpoint: str | Path,
    window: int | None = None,
    stride: int | None = None,
    amp: bool = False,
) -> list:
    """What tells maps of a model from those of others, found without loading it.

    Args:
        config: As it was read from its file; None for a published checkpoint.
        checkpoint: Its file.
        window: As for :class:`SceneInferencer`.
        stride: Likewise.
        amp: Likewise.

    Returns:
        Plain values.
    """
    structure = "" if config is None else hashlib.sha256(repr(config.model).encode()).hexdigest()[:16]
    return [file_digest(Path(checkpoint))[:16], structure, window, stride, amp]


def predict_scenes(
    load: Callable[[], SceneInferencer],
    identity: list,
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
        load: Gives the model; called once, and only if a scene is to be mapped.
        identity: Of the model (:func:`model_identity`).
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
    folder, inferencer = Path(folder), None
    made_by = [identity, sorted([name, value] for name, value in options.items() if value)]
    for scene in scenes:
        out = folder / names[scene]
        made = _plain([*made_by, _identity(scene)])
        known = read_record(record_path(folder, names[scene]))
        if known is not None and _stands(known, folder, made):
            yield known, True
            continue
        inferencer = inferencer or load()
        record = _predict_scene(inferencer, scene, out, known, made, options, progress, resume, shared)
        if record is not None:
            yield record, False


def _predict_scene(
    inferencer: SceneInferencer,
    scene: str,
    out: Path,
    known: Record | None,
    made_by: Any,
    options: Mapping[str, Any],
    progress: Progress | None,
    resume: bool,
    shared: bool,
) -> Record | None:
    """Map a scene and write its record; None if other processes are at it."""
    from .map_run import map_paths, open_map
    from .row_blocks import Sharing
    from .scene_opening import SceneRequest

    folder, begin = out.parent, time.monotonic()
    path = record_path(folder, out.name)

    def stands() -> bool:
        found = read_record(path)
        return found is not None and _stands(found, folder, made_by)

    def finish(files: list, error: str = "") -> Record:
        facts = None if error or inferencer.spec.targets else map_facts(out)
        seconds = round(time.monotonic() - begin, 3)
        record = Record(scene, out.name, seconds, files, made_by, error, facts, [] if error else _state(out))
        write_state(path, asdict(record))
        return record

    try:
        # Until the record is written, or it would be of the map that another process makes in between.
        with nullcontext() if shared else hold_outputs([out]):
            _refuse_another(known, folder, made_by)
            try:
                if not shared:
                    step = dict(options, progress=progress, moving=progress)
                    return finish(inferencer.write_map(scene, out, resume=resume, **step))
                how = dict(options)
                ids, request = how.pop("ids", "original"), SceneRequest(scene, **how)
                with open_map(inferencer, request, map_paths(inferencer, out), ids) as run:
                    if not run.share(Sharing(stands, finish), progress):
                        return None
                return read_record(path)  # which finish has written
            except Exception as caught:  # a reader or torch may raise anything of a scene; the others are mapped
                error = _told(caught)
                with suppress(MMHSIError):  # on a full disk
                    return finish([], error)
    except (MMHSIError, OSError, ValueError) as caught:  # the record of the map that is there stays
        error = _told(caught)
    return Record(scene, out.name, 0.0, [], made_by, error)


def _identity(scene: str) -> str:
    """What tells a scene from others, however it is named."""
    return scene if is_remote(scene) or "\0" in scene else os.path.realpath(scene)


def _told(caught: Exception) -> str:
    """What went wrong, on one line."""
    said = one_line(str(caught)) or type(caught).__name__
    return said if isinstance(caught, MMHSIError | OSError | MemoryError) else f"{origin(caught)}: {said}"


def record_path(folder: Path, name: str) -> Path:
    """Where a scene's record lies."""
    return folder / RECORDS / f"{name}.json"


def read_record(path: Path) -> Record | None:
    """A scene's record; None where there is none that can be used: the scene is then computed again.

    Args:
        path: From :func:`record_path`.
    """
    try:
        if not path.exists():
            return None
        content = read_state(path, "a record of mmhsi predict")
        facts = content.pop("facts")
        return Record(**content, facts=None if facts is None else MapFacts(**facts))
    except (DataError, OSError, TypeError, KeyError):
        return None


def _stands(record: Record, folder: Path, made_by: object) -> bool:
    """Whether a map is there as it was written, of the same files, by the same model and options."""
    if record.error or record.made_by != made_by:
        return False
    try:
        same = all(_state(name) == state for name, *state in record.files)
        return same and _state(folder / record.map) == record.written
    except OSError:
        return False


def _state(path: str | Path) -> list[int]:
    status = os.stat(path)  # noqa: PTH116, the record holds names
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
