"""One model over many scenes: what is finished is skipped, what fails is told in the end.

Nothing here imports torch before there is a scene to map: of thousands that are finished a start looks at the records.
"""

from __future__ import annotations

import glob
import hashlib
import os
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmhsi.errors import DataError, MMHSIError, one_line
from mmhsi.io.file_states import file_state
from mmhsi.io.files import file_digest, origin
from mmhsi.io.json_file import read_state, write_state
from mmhsi.io.lock import hold_outputs
from mmhsi.io.readers.mosaic import is_pattern

from .map_facts import MapFacts, map_facts
from .scene_lists import scene_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mmengine.config import Config

    from .map_run import MapRun, Progress
    from .scene_inferencer import SceneInferencer

RECORDS = "records"
"""Folder in the maps' one that holds what became of each scene."""


@dataclass(frozen=True)
class Record:
    """What became of a scene.

    Attributes:
        scene: As it was named.
        map: Name of its map within the folder.
        seconds: That it took.
        files: Of the scene, as :func:`mmhsi.io.file_states.file_states` gives them.
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


def model_identity(
    config: Config | None,
    checkpoint: str | Path,
    window: int | None = None,
    stride: int | None = None,
    amp: bool = False,
    compile: bool = False,
) -> list:
    """What tells maps of a model from those of others, found without loading it.

    Args:
        config: As it was read from its file; None for a published checkpoint.
        checkpoint: Its file.
        window: As for :class:`SceneInferencer`.
        stride: Likewise.
        amp: Likewise.
        compile: Likewise.

    Returns:
        Plain values.
    """
    structure = "" if config is None else hashlib.sha256(repr(config.model).encode()).hexdigest()[:16]
    return [file_digest(Path(checkpoint))[:16], structure, window, stride, amp, compile]


def predict_scenes(
    load: Callable[[], SceneInferencer],
    identity: list,
    scenes: Iterable[str],
    names: Mapping[str, str],
    folder: str | Path,
    progress: Progress | None = None,
    resume: bool = False,
    shared: bool = False,
    records: Mapping[str, Record] | None = None,
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
        records: By names of maps, as :func:`read_records` gave them. Default: each is read when its scene's turn comes,
            as all are whose map does not stand.
        options: Further ones of :meth:`SceneInferencer.write_map`, of plain values.

    Yields:
        Each scene's record, and whether it was there before; of shared scenes those that this process has joined.
    """
    folder, inferencer, way = Path(folder), None, _way(identity, options)
    for scene in scenes:
        out = folder / names[scene]
        made = _made_by(way, scene)
        known = (records or {}).get(names[scene])
        if known is None or not _stands(known, folder, made):  # another process may have made it since
            known = read_record(record_path(folder, names[scene]))
        if known is not None and _stands(known, folder, made):
            if any(os.path.isdir(f"{out}.{left}") for left in ("partial", "blocks")):  # noqa: PTH112, of thousands
                from .row_blocks import remove_left

                remove_left(out)
            yield known, True
            continue
        inferencer = inferencer or load()
        record = _predict_scene(inferencer, scene, out, known, made, options, progress, resume, shared)
        if record is not None:
            yield record, False


def share_block(
    load: Callable[[], SceneInferencer],
    identity: list,
    scene: str,
    names: Mapping[str, str],
    folder: str | Path,
    first: int | None = None,
    **options: Any,
) -> list[int]:
    """Predict a block of a scene's rows, for :func:`predict_scenes` with ``shared`` to join; or say which there are.

    Args:
        load: Gives the model.
        identity: As there.
        scene: The scene.
        names: As there.
        folder: As there.
        first: The block's first row. Default None: none is predicted.
        options: As there.

    Returns:
        First rows of all blocks; none where the map stands.

    Raises:
        ConfigError: As :meth:`SceneInferencer.write_map`.
        DataError: Likewise.
    """
    folder, made = Path(folder), _made_by(_way(identity, options), scene)
    path = record_path(folder, names[scene])
    known = read_record(path)
    if known is not None and _stands(known, folder, made):
        return []
    _refuse_another(known, folder, made)
    with _opened(load(), scene, folder / names[scene], options) as run:
        blocks = run.blocks(partial(_is_made, path, folder, made))
        if first is not None:
            run.make_block(blocks, first)
        return [begin for begin, _ in blocks.spans]


def _way(identity: list, options: Mapping[str, Any]) -> Any:
    """Model and options of which the maps of all scenes are made."""
    return _plain([identity, sorted([name, value] for name, value in options.items() if value)])


def _made_by(way: list, scene: str) -> list:
    return [*way, scene_identity(scene)]


def _is_made(path: Path, folder: Path, made_by: Any) -> bool:
    found = read_record(path)
    return found is not None and _stands(found, folder, made_by)


@contextmanager
def _opened(inferencer: SceneInferencer, scene: str, out: Path, options: Mapping[str, Any]) -> Iterator[MapRun]:
    from .map_run import map_paths, open_map
    from .scene_opening import SceneRequest

    how = dict(options)
    ids, request = how.pop("ids", "original"), SceneRequest(scene, **how)
    with open_map(inferencer, request, map_paths(inferencer, out), ids) as run:
        yield run


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
    from .row_blocks import Sharing

    folder, begin = out.parent, time.monotonic()
    path = record_path(folder, out.name)

    def finish(files: list, error: str = "") -> Record:
        facts = None if error else map_facts(out)
        seconds = round(time.monotonic() - begin, 3)
        record = Record(scene, out.name, seconds, files, made_by, error, facts, [] if error else file_state(out))
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
                with _opened(inferencer, scene, out, options) as run:
                    if not run.share(Sharing(partial(_is_made, path, folder, made_by), finish), progress):
                        return None
                return read_record(path)  # which finish has written
            except Exception as caught:  # a reader or torch may raise anything of a scene; the others are mapped
                error = _told(caught)
                with suppress(MMHSIError):  # on a full disk
                    return finish([], error)
    except (MMHSIError, OSError, ValueError) as caught:  # the record of the map that is there stays
        error = _told(caught)
    return Record(scene, out.name, 0.0, [], made_by, error)


def _told(caught: Exception) -> str:
    """What went wrong, on one line."""
    said = one_line(str(caught)) or type(caught).__name__
    return said if isinstance(caught, MMHSIError | OSError | MemoryError) else f"{origin(caught)}: {said}"


def record_path(folder: Path, name: str) -> Path:
    """Where a scene's record lies."""
    return Path(f"{folder}/{RECORDS}/{name}.json")


def read_records(folder: Path, names: Iterable[str]) -> dict[str, Record]:
    """The records that there are.

    Args:
        folder: Of the maps.
        names: Of the maps.
    """
    found = ((name, read_record(record_path(folder, name))) for name in names)
    return {name: record for name, record in found if record is not None}


def read_record(path: Path) -> Record | None:
    """A scene's record; None where there is none that can be used: the scene is then computed again.

    Args:
        path: From :func:`record_path`.
    """
    try:
        if not os.path.exists(path):  # noqa: PTH110, of thousands
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
        return file_state(folder / record.map) == record.written and files_stand(record)
    except OSError:
        return False


def files_stand(record: Record) -> bool:
    """Whether the scene of a map has the files of which it was made: none changed or was removed, and no tile came.

    Args:
        record: Of the map.
    """
    try:
        if any(file_state(name) != state for name, *state in record.files):
            return False
    except OSError:
        return False
    scene = record.made_by[-1]
    if not is_pattern(scene):
        return True
    known = {place for name, *_ in record.files for place in (Path(name), *Path(name).parents)}
    tiles = glob.glob(scene, recursive=True)  # noqa: PTH207, also an absolute one
    return all(Path(os.path.realpath(tile)) in known for tile in tiles)


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
