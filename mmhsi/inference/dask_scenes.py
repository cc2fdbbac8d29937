"""Many scenes by the workers of a Dask cluster: a scene, or a block of its rows, is a task.

The queue, retries and lost workers are Dask's matter.
"""

from __future__ import annotations

import uuid
from contextlib import closing, suppress
from dataclasses import asdict
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import Client, Future, KilledWorker, WorkerPlugin, as_completed, get_worker
from distributed.client import FutureCancelledError

from mmhsi.errors import ConfigError, counted
from mmhsi.io.json_file import read_json, write_state

from .checks import warn
from .many_scenes import Record, predict_scenes, record_path, share_block

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from distributed import Worker

    from .scene_inferencer import SceneInferencer


class ModelOfWorker(WorkerPlugin):
    """A model that a worker loads with its first scene and keeps.

    Args:
        model: Arguments of :class:`mmhsi.inference.SceneInferencer`.
    """

    def __init__(self, model: Mapping[str, Any]) -> None:
        self._model = model

    def setup(self, worker: Worker) -> None:
        """Refuse a worker of several threads, of those that are there already.

        Raises:
            ConfigError: If it has some.
        """
        _check_threads(worker)

    @cached_property
    def inferencer(self) -> SceneInferencer:
        """The model."""
        from .scene_inferencer import SceneInferencer  # not where the command runs, which needs no torch

        return SceneInferencer(**self._model)


def predict_on_cluster(
    scheduler: str,
    model: Mapping[str, Any],
    identity: list,
    scenes: Sequence[str],
    names: Mapping[str, str],
    folder: str | Path,
    shared: bool = False,
    **options: Any,
) -> Iterator[tuple[Record, bool]]:
    """As :func:`mmhsi.inference.many_scenes.predict_scenes`, by the workers of a cluster.

    A task whose worker dies is given to another one, as often as Dask's setting
    ``distributed.scheduler.allowed-failures`` says, and then its scene fails.

    Args:
        scheduler: Address of the scheduler, or the file that it wrote (``--scheduler-file``).
        model: Arguments of :class:`mmhsi.inference.SceneInferencer`, with an absolute name of the checkpoint; every
            worker that is given a scene to map loads it once.
        identity: As there.
        scenes: Absolute names, which all workers see.
        names: As there.
        folder: An absolute name that all workers see.
        shared: Whether the workers share the rows of each scene: one says which blocks there are, each block is a task,
            and one joins them when all are finished. Default False.
        options: As there.

    Yields:
        Each scene's record, and whether it was there before, in the order in which they end.

    Raises:
        ConfigError: If no scheduler answers, or it ends meanwhile, or a worker has several threads.
        DataError: If a file is named that is none of a scheduler.
    """
    name = f"mmhsi-{uuid.uuid4().hex}"
    with closing(_connected(scheduler)) as client:
        client.register_plugin(ModelOfWorker(model), name)
        if not client.nthreads():
            warn(f"--scheduler {scheduler}: has no worker yet; scenes wait until one joins")
        try:
            how = dict(options, names=names, folder=folder)
            whole, block = partial(_predict, name, identity, shared=shared, **how), partial(_block, name, identity, how)
            begun = client.map(block if shared else whole, scenes, pure=False)
            futures: dict[Future, str] = dict(zip(begun, scenes, strict=True))
            asked, ended = set(futures) if shared else set(), as_completed(futures)
            for future in ended:
                scene = futures.pop(future)
                try:
                    found = future.result()
                    if future in asked:
                        asked.remove(future)
                        of_scene = [scene] * len(found)
                        blocks = client.map(block, of_scene, found, pure=False, priority=1)  # before other scenes
                        joined = client.submit(whole, scene, blocks, pure=False, priority=2)
                        futures[joined] = scene
                        ended.add(joined)
                        continue
                except KilledWorker as error:
                    found = [(_killed(scene, names, Path(folder), error), False)]
                except FutureCancelledError as error:
                    raise ConfigError(
                        f"--scheduler {scheduler}: has gone, and with it what it was to do; the same command with "
                        "--resume goes on"
                    ) from error
                yield from found
        finally:
            with suppress(OSError):  # no scheduler is there any more
                client.unregister_worker_plugin(name)


def _connected(scheduler: str) -> Client:
    address: object = scheduler
    if Path(scheduler).is_file():
        written = read_json(scheduler, "a file of a Dask scheduler")
        address = written.get("address") if isinstance(written, dict) else None
    if not isinstance(address, str) or not address:
        raise ConfigError(f"--scheduler {scheduler}: names no address of a Dask scheduler")
    try:
        return Client(address)
    except (OSError, ValueError) as error:
        raise ConfigError(f"--scheduler {scheduler}: no Dask scheduler answers ({error})") from error


def _check_threads(worker: Worker) -> None:
    """Refuse a worker of several threads, which would share a model and the readers of files."""
    if worker.state.nthreads != 1:
        raise ConfigError(f"worker {worker.address}: has {worker.state.nthreads} threads; start it with --nthreads 1")


def _load(plugin: str) -> SceneInferencer:
    kept = get_worker().plugins[plugin]
    assert isinstance(kept, ModelOfWorker)  # of that name
    return kept.inferencer


def _predict(plugin: str, identity: list, scene: str, _blocks: object = (), **how: Any) -> list[tuple[Record, bool]]:
    """Map a scene, once Dask has had its blocks made."""
    _check_threads(get_worker())  # Dask lets one that joins later go on, whatever its plugin raises
    return list(predict_scenes(partial(_load, plugin), identity, [scene], **how))


def _block(plugin: str, identity: list, how: dict, scene: str, first: int | None = None) -> list[int]:
    """Which blocks a scene has, or one of them made; what fails is tried again, and told, where they are joined."""
    _check_threads(get_worker())
    with suppress(Exception):  # a reader or torch may raise anything of a scene
        given = {name: value for name, value in how.items() if name != "resume"}  # blocks always go on
        return share_block(partial(_load, plugin), identity, scene, first=first, **given)
    return []


def _killed(scene: str, names: Mapping[str, str], folder: Path, error: KilledWorker) -> Record:
    why = f"{counted(error.allowed_failures + 1, 'worker')} died of it, perhaps for want of memory"
    record = Record(scene, names[scene], 0.0, [], None, why)
    write_state(record_path(folder, record.map), asdict(record))
    return record
