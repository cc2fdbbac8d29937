"""What a person gives: files or arrays, as the description of a scene that the datasets read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.datasets.scene import open_second_file
from mmhsi.errors import ConfigError, DataError, counted
from mmhsi.io import CubeOptions, HSICube, open_cube, read_cube, read_label_map, write_cube
from mmhsi.io.arrays import cube_of, is_path, label_map_of
from mmhsi.io.class_map_reader import named_ids, stated_names
from mmhsi.io.doubts import doubt
from mmhsi.io.files import file_digest, replacing
from mmhsi.io.label_maps import NO_LABEL, label_map_info, open_label_map
from mmhsi.io.readers.remote import asset_of, is_remote
from mmhsi.io.vectors import is_vector

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mmhsi.datasets import SceneInfo
    from mmhsi.io.readers.base import CubeReader


SHAPEFILE = (".dbf", ".shx", ".prj", ".cpg")
"""Files beside a ``.shp`` that hold what it says."""


def is_table(given: object) -> bool:
    """Whether something is meant as a table of pixels (n, bands) rather than a scene.

    Args:
        given: What a person gave.
    """
    if is_path(given) or isinstance(given, HSICube) or _is_data_array(given):
        return False
    shape = getattr(given, "shape", None)
    try:
        return (np.asarray(given).ndim if shape is None else len(shape)) != 3
    except ValueError:  # rows of different lengths
        return True


def as_file(given: Any, name: str, folder: Path) -> Path:
    """Where something lies, written to a file first if it is an array or lies on a server.

    Args:
        given: A path, an asset of a STAC item, a GeoTIFF on a server where that is allowed, an array (H, W, C) or
            (H, W), a :class:`mmhsi.io.HSICube`, or an xarray ``DataArray`` (:func:`mmhsi.io.arrays.cube_of`), of
            labels with y and x alone.
        name: Of the file, without suffix.
        folder: Of the file.

    Raises:
        DataError: If it is nothing of this kind.
        ConfigError: If it lies on a server, which may not be asked.
    """
    if is_path(given):
        place = asset_of(given)
        if not is_remote(place):
            return Path(place).resolve()
        given = read_cube(place)  # once: learning and mapping read it many times
    folder.mkdir(parents=True, exist_ok=True)
    if _is_data_array(given):
        given = label_map_of(given, name) if len(given.dims) == 2 else cube_of(given, name)
    if isinstance(given, HSICube):
        path = folder / f"{name}.tif"
        write_cube(path, given)
        return path.resolve()
    array = np.asarray(given)
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        raise DataError(f"{name}: {array.dtype} of shape {array.shape} given, expected numbers (H, W, C) or (H, W)")
    path = folder / f"{name}.npy"
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.save(file, array)
    return path.resolve()


def _is_data_array(given: object) -> bool:
    """Whether something is xarray's."""
    return hasattr(given, "dims") and hasattr(given, "coords")


def describe_labels(path: Path, key: str | None, axes: str | None, names: dict[int, str] | None) -> dict[str, Any]:
    """Classes of a raster of labels: every id that occurs but 0.

    Args:
        path: The raster.
        key: Its variable.
        axes: Its axes.
        names: Class names by id. Default: those that the file states, else ``class 3`` and so on.

    Returns:
        ``classes``, ``label_ids`` and ``ignore_ids`` of :class:`mmhsi.datasets.SceneInfo`.

    Raises:
        DataError: If fewer than two ids occur, or two have one name.
    """
    found = np.unique(read_label_map(path, key, axes=axes))
    ids = [int(label) for label in found if label not in (0, NO_LABEL)]
    if len(ids) < 2:
        raise DataError(
            f"{path}: holds {counted(len(ids), 'class', 'classes')} beside 0, which means no label; expected at least 2"
        )
    if len(ids) > 255:
        raise DataError(f"{path}: holds {len(ids)} different values; expected at most 255 classes, one number each")
    names = names or stated_names(path)
    _doubt_numbers(path, set(found.tolist()), names, label_map_info(path, key, axes).nodata)
    classes = [names.get(label, f"class {label}") for label in ids]
    for name in classes:
        if len(same := [label for label, other in zip(ids, classes, strict=True) if other == name]) > 1:
            raise DataError(f"{path}: {name!r} is the name of {same}; each class needs a name of its own")
    return dict(classes=classes, label_ids=ids, ignore_ids=[0])


def _doubt_numbers(path: Path, found: set[int], names: Mapping[int, str], nodata: float | None) -> None:
    """Warn of a 0 that may be a class, and of a 255 that may be none."""
    if 0 in found and nodata not in (None, 0):
        text = f"0 is read as no label, as its no-data value {nodata:g} is; if 0 is a class, add 1 to all classes"
        doubt(path, "zero", text)
    if 255 in found and 255 not in names and max(found - {0, 255, NO_LABEL}, default=255) < 128:
        text = "255 is read as a class; if it means no label, declare it as the file's no-data value"
        doubt(path, "255", text)


def describe_scene(
    cube: Any,
    labels: Any,
    second: Any,
    names: Mapping[int, str] | None,
    scene: dict[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """What a person gives as the description of a scene, :class:`mmhsi.datasets.SceneInfo`.

    Args:
        cube: File or array.
        labels: File or array.
        second: File or array of a second source, or None.
        names: Class names by id, or None.
        scene: Further fields, which count more.
        folder: Where arrays are written.

    Raises:
        ConfigError: If the names are no mapping.
        DataError: If a file cannot be read, or the labels hold no classes.
    """
    if not isinstance(names or {}, Mapping):
        raise ConfigError(f"class_names={names!r} given, expected a name by class number, such as {{1: 'meadow'}}")
    path = as_file(labels, "labels", folder)
    facts: dict[str, Any] = {}  # of a vector file the data set finds the classes itself
    if not is_vector(path):
        if "label_ids" not in scene and (zero := [name for name, label in named_ids(path).items() if label == 0]):
            raise DataError(f"{path}: names 0 as the class {zero[0]!r}, and 0 means no label; expected classes from 1")
        facts = describe_labels(path, scene.get("labels_key"), scene.get("labels_axes"), dict(names or {}))
    elif names:
        facts = dict(classes=list(names.values()), label_ids=list(names))
    image = as_file(cube, "cube", folder)
    options: dict[str, Any] = CubeOptions.of(scene.get("image_options")).under(Path().resolve()).given()
    if options:
        scene = {**scene, "image_options": options}
    found: dict[str, Any] = dict(title=image.stem, image=str(image), labels=str(path), **facts)
    if second is not None:
        found["second_image"] = str(as_file(second, "second", folder))
        with (
            open_cube(image, scene.get("image_key"), scene.get("image_axes"), **options) as reader,
            open_second_file(Path(found["second_image"]), scene.get("second_key"), scene.get("second_axes")) as finer,
        ):
            found["second_scale"] = max(1, finer.info.shape[0] // reader.info.shape[0])
    return {**found, **scene}


def input_digests(scene: SceneInfo, readers: Sequence[CubeReader]) -> dict[str, str]:
    """SHA-256 of every file that was read, by its name; of a zip file that one alone.

    Args:
        scene: The scene's description, for its labels.
        readers: The cube and, where there is one, the second source, open.
    """
    labels = Path(str(scene.labels))
    if is_vector(labels):
        files = [labels, *(labels.with_suffix(suffix) for suffix in SHAPEFILE if labels.suffix.lower() == ".shp")]
    else:
        with open_label_map(labels, scene.labels_key, scene.labels_axes) as reader:
            files = reader.files
    for one in readers:
        packed = Path(one.path).suffix.lower() == ".zip"
        files = [*files, *([Path(one.path)] if packed else one.files)]
    kept = sorted({file.resolve() for file in files if file.is_file()})
    names = Counter(file.name for file in kept)
    return {
        file.name if names[file.name] == 1 else f"{file.parent.name}/{file.name}": file_digest(file) for file in kept
    }
