"""The catalogue as rows of a table, for the documentation and for ``mmhsi download_dataset --list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lookup import CATALOGUE

if TYPE_CHECKING:
    from .info import SceneInfo

COLUMNS = ("name", "data set", "form", "sensor", "bands", "classes", "size (pixels)", "source")


def _bands(info: SceneInfo) -> str:
    counts = sorted({scene.shape[2] for scene in info.corpus})
    if counts:
        return f"{counts[0]}-{counts[-1]}"
    bands = "any" if info.shape is None else str(info.shape[2])
    return f"{bands} + {info.second_shape[2]}" if info.second_shape else bands


def _size(info: SceneInfo) -> str:
    if info.corpus:
        return f"{len(info.corpus)} scenes, {info.corpus[0].shape[0]} x {info.corpus[0].shape[1]}"
    if info.shape is None:
        return "any"
    size = f"{info.shape[0]} x {info.shape[1]}"
    if not info.subsets:
        return size
    tiles = sum(subset.tiles or 0 for subset in info.subsets)
    return f"{tiles} tiles, {size}" if tiles else f"tiles, {size}"


def source(info: SceneInfo) -> str:
    """Whether the files can be fetched, or where else they come from.

    Args:
        info: Entry of the catalogue.
    """
    if info.files and all(file.url for file in info.files):
        return "download"
    return "by hand" if info.homepage else "made locally"


def rows() -> list[tuple[str, ...]]:
    """One row a data set, cells as in :data:`COLUMNS`."""
    return [
        (name, info.title, info.form, info.sensor, _bands(info), str(len(info.classes)), _size(info), source(info))
        for name, info in CATALOGUE.items()
    ]
