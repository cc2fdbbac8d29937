"""Whether the folder of many maps has files that the command would write over and must not."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import DataError, MMHSIError
from mmhsi.io import CubeOptions
from mmhsi.io.destinations import belonging, check_not_read
from mmhsi.io.output import sidecar
from mmhsi.io.readers.drivers import driver_of
from mmhsi.io.readers.envi import data_file_of
from mmhsi.io.readers.opening import open_reader
from mmhsi.io.readers.remote import is_remote
from mmhsi.io.readers.zarr_group import is_zarr

from .many_scenes import RECORDS, files_stand
from .mosaics import MOSAIC
from .own_files import FOOTPRINTS, SUMMARY, check_own, is_own_map, own_files, somebody_elses
from .scene_lists import scene_identity
from .stac import files_of_map, item_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .many_scenes import Record

_BEGUN = re.compile(r"\.(.+)\.[0-9a-f]{12}\.tmp.*")
"""What a process that was killed had begun to write, which the next one removes."""
_MOSAIC = re.compile(rf"{MOSAIC}(?:_([1-9]\d*))?\.(vrt|tif|tif\.aux\.xml|qml)")


def check_folder(
    folder: Path,
    names: Mapping[str, str],
    records: Mapping[str, Record],
    inputs: Iterable[str | Path | None],
    key: str | None = None,
    axes: str | None = None,
    image_options: Mapping[str, object] | None = None,
    optimised: bool = False,
) -> None:
    """Check that nothing that is written of many maps is read for them, by whatever links, or is somebody else's.

    Only what is there already can be: in a new folder no scene is looked at for this. Nor is one opened whose files
    all lie beside it, in a folder that holds none of those that are there.

    Args:
        folder: Of the maps.
        names: Of the maps by their scenes (:func:`mmhsi.inference.scene_lists.map_names`).
        records: Of the maps, by their names (:func:`mmhsi.inference.many_scenes.read_records`).
        inputs: What is read beside the scenes; None for what is not.
        key: Variable of the scenes.
        axes: Their axes.
        image_options: How they are opened beside that.
        optimised: Whether mosaics are written as GeoTIFFs too. Default False.

    Raises:
        DataError: If something is, or the folder lies in one of Zarr, a map would have the name of a mosaic, or
            something that is written that of a file that is none of the command's own.
    """
    if optimised:
        for scene, name in names.items():
            if _is_mosaic(name.casefold(), len(names), optimised):
                raise DataError(f"{scene}: its map would have the name of the mosaic, {name}; rename the scene")
    real = Path(os.path.realpath(folder))
    for place in (real, *real.parents):
        if is_zarr(place):
            raise DataError(f"{folder}: lies in {place}, a folder of Zarr; give another --out-dir")
    there = [*_there(folder, names, own_files(folder).earlier, optimised)]
    if not there:
        return
    read: list[str | Path] = []
    for path in inputs:
        read += [] if path is None else [path, *belonging(Path(path))]
    options, folders = CubeOptions.of(image_options or {}), _Folders(there)
    for scene, name in names.items():
        if options.white is None and folders.hold_none(scene):  # what belongs to a reference lies beside that
            read.append(scene)
        else:
            read += _files(scene, records.get(name), (key, 3, axes, options))
    check_not_read(there, read, "give another --out-dir")
    _check_own(folder, [name for name in names.values() if name not in records], len(names), records, optimised)


def _check_own(folder: Path, unknown: Iterable[str], maps: int, records: Mapping[str, Record], optimised: bool) -> None:
    """Check that nothing of somebody else's has the place of a map, or of what is written of all."""
    present = {name.casefold() for name in os.listdir(folder)}  # noqa: PTH208, names alone, of thousands
    found = []
    for path in (folder / name for name in unknown):
        written = path, sidecar(path), item_path(path)  # a style of somebody's stays
        files = [file for file in written if file.name.casefold() in present and os.path.lexists(file)]
        if files and not is_own_map(path):
            found += files
    if found:
        raise somebody_elses(found)
    outputs, facts = [folder / SUMMARY, folder / FOOTPRINTS], [one.facts for one in records.values() if one.facts]
    if not facts or any(one.ids for one in facts):  # no mosaic is made of maps of values
        of_mosaics = (name for name in sorted(present) if _is_mosaic(name, maps, optimised))
        outputs += [folder / name for name in of_mosaics if name.endswith((".vrt", ".tif"))]
    check_own(folder, outputs)


def _is_mosaic(name: str, maps: int, optimised: bool) -> bool:
    """Whether a file of that name may be one of a mosaic of so many maps."""
    found = _MOSAIC.fullmatch(name)
    return found is not None and (optimised or found[2] == "vrt") and int(found[1] or 0) <= maps


def _there(folder: Path, names: Mapping[str, str], earlier: Iterable[Path], optimised: bool) -> Iterator[str]:
    """Files in the folder that would be written over or removed; file systems may not tell cases apart."""
    maps = {name.casefold() for name in names.values()}
    ends = [file.name.removeprefix("map") for file in files_of_map("map.tif")]
    single = {SUMMARY, *(FOOTPRINTS + end for end in ("", "-wal", "-shm", "-journal"))}
    single |= {path.name.casefold() for path in earlier}
    for entry in sorted(os.listdir(folder)):  # noqa: PTH208, names alone, of thousands
        name, path = entry.casefold(), f"{folder}{os.sep}{entry}"
        begun = _BEGUN.fullmatch(name)
        written = begun[1] if begun else name
        of_map = any(f"{written.removesuffix(end)}.tif" in maps for end in ends if written.endswith(end))
        base, _, end = name.rpartition(".")
        if of_map or written in single or _is_mosaic(written, len(maps), optimised):
            yield path
        elif name == RECORDS or (end in ("partial", "blocks") and (base in maps or base == SUMMARY)):
            yield from (f"{place}{os.sep}{file}" for place, _, found in os.walk(path) for file in found)


class _Folders:
    """Folders of scenes, and whether they hold files that would be written over.

    Args:
        there: Those files.
    """

    def __init__(self, there: Iterable[str]) -> None:
        self.there = {mark for path in there for mark in self._marks(path)}
        self.known: dict[str, bool] = {}

    def hold_none(self, scene: str) -> bool:
        """Whether a scene's files all lie beside it, by its own name and behind links, and none of them is there."""
        with suppress(MMHSIError, OSError, ValueError):
            file = data_file_of(Path(scene)) if scene.lower().endswith(".hdr") else scene
            if os.path.isfile(file) and driver_of(Path(file)) != "VRT":  # noqa: PTH113, which alone names files elsewhere
                return all(self._holds_none(os.path.dirname(name)) for name in {scene, os.path.realpath(scene)})  # noqa: PTH120
        return False

    def _holds_none(self, folder: str) -> bool:
        if folder not in self.known:
            with os.scandir(folder or ".") as entries:
                self.known[folder] = all(self.there.isdisjoint(self._marks(entry.path)) for entry in entries)
        return self.known[folder]

    @staticmethod
    def _marks(path: str) -> set[tuple[int, int]]:
        try:
            status = os.stat(path)  # noqa: PTH116, of thousands
            return {(status.st_dev, status.st_ino)}
        except OSError:  # a link that leads nowhere
            return set()


def _files(scene: str, known: Record | None, how: tuple) -> Iterator[str | Path]:
    """All files of a scene on this machine: as its map's record has them if they are the same, else as it opens."""
    if is_remote(scene):
        return
    yield scene
    if known is not None and not known.error and known.made_by[-1] == scene_identity(scene) and files_stand(known):
        yield from (file for file, *_ in known.files)
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are given when the scene is mapped
            with open_reader(scene, *how) as reader:
                yield from reader.files
    except Exception:  # a reader may raise anything of a scene that will fail
        yield from belonging(Path(scene))
