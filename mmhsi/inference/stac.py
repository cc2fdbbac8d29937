"""A STAC item beside a map: where it lies, what its numbers mean, which model made it and how right it is.

SpatioTemporal Asset Catalog 1.1.0 with the extensions projection 2.0.0, classification 2.0.0 and processing 1.2.0. An
item is one JSON document; it is written without pystac, which would be a dependency for what a dict says, and read by
pystac in the tests.
"""

from __future__ import annotations

import os
import re
import unicodedata
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rasterio
from rasterio.errors import RasterioError

from mmhsi.errors import DataError, one_line
from mmhsi.io.files import write_json
from mmhsi.io.gdal import local_files
from mmhsi.io.json_file import read_json
from mmhsi.io.output import sidecar
from mmhsi.io.readers.raster import without_georeference_warning
from mmhsi.io.readers.remote import is_remote
from mmhsi.version import __version__

from .outline import outline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mmhsi.spec import InputSpec

EXTENSIONS = tuple(
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("projection/v2.0.0", "classification/v2.0.0", "processing/v1.2.0")
)
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
EARLIEST = "1970-01-01T00:00:00Z"
"""Before any imaging spectrometer: the earlier time of a scene of which nobody knows when it was taken."""
_TIME = re.compile(r"(?<!\d)(20\d{2}[01]\d[0-3]\d)[T_]?([0-2]\d[0-5]\d[0-5]\d)(?!\d{3})")
"""Date and time in the name of a product, such as ``20220724T104526Z``."""
_SECTIONS = 20
"""Of each side of a map, in which its outline on the globe is straight."""
TITLES = {
    "classes": "classes",
    "probabilities": "probability of every class",
    "uncertainty": "entropy of the probabilities, 0 to 1",
    "values": "predicted values",
}


def item_path(path: str | Path) -> Path:
    """Where the item of a map lies: ``NAME.stac.json``."""
    return Path(path).with_suffix(".stac.json")


def files_of_map(path: str | Path) -> list[Path]:
    """All files that are written of a map: itself, what GDAL keeps beside it, its style and its item.

    Args:
        path: The map.
    """
    return [Path(path), sidecar(Path(path)), Path(path).with_suffix(".qml"), item_path(path)]


def write_item(
    files: Mapping[str, str | Path],
    spec: InputSpec,
    palette: Sequence[Sequence[int]],
    ids: Sequence[int] | None,
    digest: Sequence[str],
    scene: str | Path,
    taken: str | None = None,
) -> Path:
    """Write the item of a map.

    Args:
        files: GeoTIFFs by what they hold, ``classes`` or ``values``, perhaps ``probabilities`` and ``uncertainty``.
        spec: What the model was trained on.
        palette: Colours of the classes.
        ids: Their numbers in the map; None for 0 to K−1.
        digest: What tells the model's weights and its structure from others.
        scene: What the map was made of.
        taken: When the scene was taken, RFC 3339, as its file says. Default None: as its name says.

    Returns:
        The item's file.

    Raises:
        DataError: A GeoTIFF cannot be read or the item not be written.
    """
    out = Path(files["values" if spec.targets else "classes"])
    numbers = [*range(len(spec.classes))] if ids is None else list(ids)
    titles = {**TITLES, **({"uncertainty": "standard deviations of the values"} if spec.targets else {})}
    assets: dict[str, Any] = {}
    place: dict[str, Any] = {}
    for name, path in files.items():
        file, place = _raster(Path(path))
        file |= dict(href=_relative(path, out.parent), type=_COG, title=titles[name], roles=["data"])
        if name == "classes":
            classes = _classes(spec.classes, numbers, palette, file["bands"][0].get("nodata"))
            file |= {"classification:classes": classes}
        assets[name] = file
    trained: dict[str, Any] = dict(
        scene=spec.scene, protocol=spec.protocol, classes=list(spec.classes), bands=len(spec.bands)
    )
    if spec.targets:
        trained["targets"] = [dict(name=target["name"], unit=target["unit"]) for target in spec.targets]
    what = "Values" if spec.targets else "Classes"
    item = dict(
        type="Feature",
        stac_version="1.1.0",
        stac_extensions=list(EXTENSIONS),
        id=out.stem,
        **_outline(out),
        properties={
            "title": f"{what} of {Path(scene).name}",
            **_times(taken or acquired(Path(scene).name), Path(scene)),
            **place,
            "processing:software": {"mmhsi": __version__},
            "processing:lineage": f"{'Predicted' if spec.targets else 'Classified'} by a model trained on "
            f"{spec.scene or 'an unnamed scene'}",
            "mmhsi:model": dict(zip(("weights", "structure"), digest, strict=True)),
            "mmhsi:training": trained,
            "mmhsi:accuracy": None,
        },
        links=[dict(rel="derived_from", href=_relative(scene, out.parent), title=Path(scene).name)],
        assets=assets,
    )
    write_json(item_path(out), item)
    return item_path(out)


def _times(taken: str | None, scene: Path) -> dict[str, Any]:
    """When the scene was taken; where nobody knows, null between two times that STAC then asks for.

    The later one is the last change of the scene's file, so that the same run gives the same item; of one on a server
    now.
    """
    if taken is not None:
        return dict(datetime=taken)
    try:
        time = datetime.fromtimestamp(scene.stat().st_mtime, timezone.utc)
    except OSError:
        time = datetime.now(timezone.utc)
    end = max(time.strftime("%Y-%m-%dT%H:%M:%SZ"), EARLIEST)
    return dict(datetime=None, start_datetime=EARLIEST, end_datetime=end)


def add_accuracy(path: str | Path, accuracy: Mapping[str, Any]) -> None:
    """Say in the item of a map how right it is.

    Args:
        path: The map.
        accuracy: Such as ``dict(overall=0.9, low=0.85, high=0.94, level=0.9, how="…")``.

    Raises:
        DataError: There is no item, or it cannot be written.
    """
    item = _read(path)
    item["properties"]["mmhsi:accuracy"] = dict(accuracy)
    write_json(item_path(path), item)


def check_item(path: str | Path) -> None:
    """Refuse a map whose item would be written over another program's.

    Args:
        path: The map that is to be written.

    Raises:
        DataError: Beside it lies an item that says nothing of a model of mmhsi, or another file of that name.
    """
    found = item_path(path)
    if os.path.lexists(found):
        try:
            own = "mmhsi:model" in _read(path)["properties"]
        except (DataError, LookupError, TypeError):
            own = False
        if not own:
            raise DataError(f"{found}: is there, and no item of a map of mmhsi; move it, or give the map another name")


def copy_item(path: str | Path, files: Mapping[str, str | Path]) -> None:
    """Write a map's item beside a copy of the map.

    Args:
        path: The map.
        files: The copies by what they hold; what has no copy is left out of the new item.

    Raises:
        DataError: There is no item, or it cannot be written.
    """
    item, out = _read(path), Path(files["classes"])
    item["id"] = out.stem
    made = item["assets"]
    item["assets"] = {name: made[name] | dict(href=_relative(file, out.parent)) for name, file in files.items()}
    for link in item["links"]:
        link["href"] = _relative(Path(path).parent / link["href"], out.parent)
    write_json(item_path(out), item)


def check_training(path: str | Path, spec: InputSpec) -> None:
    """Refuse a map whose item says that its model was trained on other pixels of the same scene than a split's.

    Args:
        path: The map. One that has no item, as other programs' maps, tells nothing and is not refused.
        spec: Of the split: its scene and protocol.

    Raises:
        DataError: The item says so, or it is damaged.
    """
    if not item_path(path).is_file():
        return
    item = _read(path)
    try:
        own = Path(path).name in [asset["href"] for asset in item["assets"].values()]
        scene, protocol = (item["properties"]["mmhsi:training"][name] for name in ("scene", "protocol"))
    except (LookupError, TypeError, AttributeError):  # another program's
        return
    if own and scene == spec.scene and protocol != spec.protocol:
        raise DataError(
            f"{path}: made by a model that was trained on other pixels, as {item_path(path).name} says: "
            f"{one_line(str(protocol))}; expected {one_line(spec.protocol)}"
        )


def acquired(name: str) -> str | None:
    """When a scene was taken, as products say it in their names, in RFC 3339; None where a name says nothing."""
    found = _TIME.search(name)
    try:
        time = datetime.strptime("".join(found.groups()), "%Y%m%d%H%M%S") if found else None
    except ValueError:  # digits that are no date
        return None
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: str | Path) -> dict[str, Any]:
    item = read_json(item_path(path), "a STAC item")
    if not isinstance(item, dict):
        raise DataError(f"{item_path(path)}: not a STAC item, but a {type(item).__name__}")
    return item


def _relative(path: str | Path, folder: Path) -> str:
    """A file as seen from the item, with slashes; what lies on a server as it is."""
    if is_remote(path):
        return os.fspath(path)
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(path).resolve().as_posix()


def _raster(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Bands of a GeoTIFF, and its grid in the words of the projection extension."""
    try:
        with local_files(), without_georeference_warning(), rasterio.open(path) as dataset:
            nodata = dataset.nodata
            missing = {} if nodata is None else dict(nodata="nan" if nodata != nodata else int(nodata))
            bands = [
                dict(name=text or f"band {number}", data_type=str(dtype), **missing, **({"unit": unit} if unit else {}))
                for number, (text, dtype, unit) in enumerate(
                    zip(dataset.descriptions, dataset.dtypes, dataset.units, strict=True), 1
                )
            ]
            place: dict[str, Any] = {"proj:shape": [dataset.height, dataset.width]}
            if dataset.crs is not None:
                epsg = dataset.crs.to_epsg()
                place["proj:code"] = None if epsg is None else f"EPSG:{epsg}"
                if epsg is None:
                    place["proj:wkt2"] = dataset.crs.to_wkt(version="WKT2_2019")
                place["proj:transform"] = [*dataset.transform][:6]
    except RasterioError as error:
        raise DataError(f"{path}: cannot be read: {error}") from error
    return dict(bands=bands), place


def _outline(path: Path) -> dict[str, Any]:
    """Outline in longitude and latitude with its box; of a map without a place null and no box."""
    with local_files(), without_georeference_warning(), rasterio.open(path) as dataset:
        rings = outline(dataset, _SECTIONS)
    if rings is None:
        return dict(geometry=None)
    axes = [[*zip(*ring, strict=True)] for ring in rings]
    west, south, east, north = zip(*([*map(min, axis), *map(max, axis)] for axis in axes), strict=True)
    box = [min(west), min(south), max(east), max(north)]
    if len(rings) > 1 and max(west) > min(east):  # across the dateline: west is greater than east (RFC 7946)
        box[0], box[2] = max(west), min(east)
    polygons = [[ring] for ring in rings]
    if len(polygons) == 1:
        return dict(geometry=dict(type="Polygon", coordinates=polygons[0]), bbox=box)
    return dict(geometry=dict(type="MultiPolygon", coordinates=polygons), bbox=box)


def _classes(
    names: Sequence[str], numbers: Sequence[int], palette: Sequence[Sequence[int]], nodata: int | None
) -> list[dict[str, Any]]:
    """Classes in the words of the classification extension, whose names are of ASCII alone; titles are as given."""
    found: list[dict[str, Any]] = []
    for name, number, colour in zip(names, numbers, palette, strict=True):
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        word = re.sub(r"[^0-9A-Za-z]+", "-", plain).strip("-").lower()
        if not word or any(word == one["name"] for one in found):
            word = f"{word}-{number}" if word else f"class-{number}"
        hint = "".join(f"{value:02X}" for value in colour)
        found.append(dict(value=number, name=word, title=name, color_hint=hint))
    if nodata is not None:
        found.append(dict(value=nodata, name="no-data", title="no data", nodata=True))
    return found
