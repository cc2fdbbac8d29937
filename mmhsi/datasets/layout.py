"""Whether the files of a data set are where the loaders look for them, and what the catalogue says they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mmhsi.errors import ConfigError, MMHSIError
from mmhsi.io.readers.opening import open_reader

from .catalogue import CATALOGUE, SceneInfo, TileSubset, unknown_name
from .tile_list import list_tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN = 5
_VALUES_AT_A_TIME = 1 << 24


def check_layout(name: str, root: str | Path = "data", staged: Path | None = None) -> list[str]:
    """Compare the files of a data set with the catalogue. Headers are read, no cube is loaded.

    Args:
        name: Entry of the catalogue.
        root: Data root.
        staged: Folder of files that are about to be put into the data root; they are looked for there first, and read
            to their end.

    Returns:
        One line a problem; empty if everything is in place. Of tiles, all must exist and the first of each subset
        must have the published shape.

    Raises:
        ConfigError: The name is unknown.
    """
    if name not in CATALOGUE:
        raise ConfigError(unknown_name(name))
    info, folder = CATALOGUE[name], Path(root)
    if info.subsets:
        return [problem for subset in info.subsets for problem in _check_subset(info, subset, folder / info.image)]

    def check(
        file: str, key: str | None, axes: str | None, published: tuple[int, ...] | None, is_map: bool = False
    ) -> Iterator[str]:
        whole = staged is not None and (staged / file).is_file()
        yield from _check_file((staged if staged and whole else folder) / file, key, axes, published, is_map, whole)

    if info.corpus:
        return [
            problem
            for scene in info.corpus
            for problem in check(scene.image, info.image_key, info.image_axes, scene.shape)
        ]
    problems = list(_check_scene(info, check))
    problems += [
        f"{folder / file}: missing, the published split"
        for file in info.split_files
        if not any((at / file).is_file() for at in (folder, staged) if at)
    ]
    return list(dict.fromkeys(problems))  # one file may be cube, labels and second source


def _check_scene(info: SceneInfo, check: Callable[..., Iterator[str]]) -> Iterator[str]:
    """Cube, labels and second source of a scene."""
    yield from check(info.image, info.image_key, info.image_axes, info.shape)
    if info.labels is not None:
        size = None if info.shape is None else (info.shape[0] * info.label_scale, info.shape[1] * info.label_scale)
        yield from check(info.labels, info.labels_key, info.labels_axes, size, is_map=True)
    if info.second_image is not None:
        yield from check(info.second_image, info.second_key, info.second_axes, info.second_shape)


def _check_file(
    path: Path,
    key: str | None,
    axes: str | None,
    published: tuple[int, ...] | None,
    is_map: bool = False,
    whole: bool = False,
) -> Iterator[str]:
    """A cube, or a map, opens and has the published size; as a whole, it can be read to its end."""
    is_map = is_map or (published is not None and published[2] == 1)  # one band may be stored with two axes
    if not path.is_file():
        yield f"{path}: missing"
        return
    try:
        with open_reader(path, key, 2 if is_map else 3, axes) as reader:
            found = reader.info.shape[: 3 if published is None else len(published)]
            height, width, bands = reader.info.shape
            rows = max(1, _VALUES_AT_A_TIME // (width * bands))
            for row in range(0, height if whole else 0, rows):
                reader.read((row, 0, min(rows, height - row), width))
    except MMHSIError as error:
        yield str(error)
        return
    if published is not None and found != published:
        yield f"{path}: is {_times(found)}, expected {_times(published)}"


def _check_subset(info: SceneInfo, subset: TileSubset, folder: Path) -> Iterator[str]:
    """All tiles of a subset exist with their labels, and the first is what it should be."""
    try:
        pairs = list_tiles(
            folder, subset.split_file, subset.image_dir, subset.label_dir, subset.suffix, listed_as=subset.listed_as
        )
    except MMHSIError as error:
        yield f"{error}, of subset {subset.name}"
        return
    missing = [path for pair in pairs for path in pair if path is not None and not path.is_file()]
    yield from (f"{path}: missing, of subset {subset.name}" for path in missing[:_SHOWN])
    if len(missing) > _SHOWN:
        yield f"{folder}: {len(missing) - _SHOWN} more files of subset {subset.name} are missing"
    if subset.tiles is not None and len(pairs) != subset.tiles:
        yield f"{folder}: subset {subset.name} has {len(pairs)} tiles, {subset.tiles} are published"
    image, labels = pairs[0]
    if image.is_file():
        yield from _check_file(image, info.image_key, info.image_axes, info.shape)
    if labels is not None and labels.is_file():
        size = None if info.shape is None else info.shape[:2]
        yield from _check_file(labels, info.labels_key, info.labels_axes, size, is_map=True)


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
