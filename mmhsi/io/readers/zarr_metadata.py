"""What a node of Zarr says of itself; version 2 is put in the words of version 3, whose chunks hold the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mmhsi.io.json_file import read_json

if TYPE_CHECKING:
    from pathlib import Path

METADATA = "zarr.json"
GROUP_2, ARRAY_2, ATTRIBUTES_2 = ".zgroup", ".zarray", ".zattrs"
_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")


def metadata_files(folder: Path) -> list[Path]:
    """The files that make a folder a node: one of version 3, or one or two of version 2; none where it is no node.

    Args:
        folder: Any.
    """
    names = [METADATA] if (folder / METADATA).exists() else [GROUP_2, ARRAY_2, ATTRIBUTES_2]
    found = [folder / name for name in names if (folder / name).exists()]  # what is no file is refused where it is read
    return found if found and found[0].name != ATTRIBUTES_2 else []


def node_metadata(folder: Path) -> dict[str, Any]:
    """What a node says of itself, looked at before zarr-python is, as version 3 has it.

    Args:
        folder: Of the node.

    Returns:
        Codecs that version 3 does not have, and filters, stand under their names in version 2.

    Raises:
        ValueError: It is of neither version.
    """
    if not (folder / METADATA).exists():
        return {"node_type": "group"} if (folder / GROUP_2).exists() else _array_of_2(folder)
    file = folder / METADATA
    said = read_json(file, "Zarr's metadata")
    if not isinstance(said, dict) or said.get("zarr_format") != 3 or said.get("node_type") not in ("array", "group"):
        raise ValueError(f"{file} is no metadata of version 3")
    if said.get("storage_transformers"):
        raise ValueError(f"{file} names storage transformers, which are not read")
    return said


def _array_of_2(folder: Path) -> dict[str, Any]:
    file = folder / ARRAY_2
    said = read_json(file, "Zarr's metadata")
    if not isinstance(said, dict) or said.get("zarr_format") != 2:
        raise ValueError(f"{file} is no metadata of version 2")
    beside = folder / ATTRIBUTES_2
    told = read_json(beside, "Zarr's attributes") if beside.exists() else {}
    if not isinstance(told, dict):
        raise ValueError(f"{beside} holds no attributes")
    attributes = dict(told)
    dtype = np.dtype(said["dtype"] if isinstance(said["dtype"], str) else "V")  # records are no numbers
    fill, shape = said.get("fill_value"), said["shape"]
    if fill is not None:  # it says what is missing, as xarray reads and writes it
        attributes.setdefault("_FillValue", fill)
    turned = [{"name": "transpose", "configuration": {"order": list(range(len(shape)))[::-1]}}]
    endian = {} if dtype.itemsize == 1 else {"endian": "big" if dtype.str.startswith(">") else "little"}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": said["chunks"]}},
        "chunk_key_encoding": {"name": "v2", "configuration": {"separator": said.get("dimension_separator", ".")}},
        "fill_value": fill,
        "codecs": [
            *({"name": each.get("id")} for each in said.get("filters") or []),  # none of them is read
            *(turned if said.get("order") == "F" else []),
            {"name": "bytes", "configuration": endian},
            *_packing(said.get("compressor"), dtype.itemsize),
        ],
        "dimension_names": attributes.pop("_ARRAY_DIMENSIONS", None),
        "attributes": attributes,
    }


def _packing(compressor: dict[str, Any] | None, itemsize: int) -> list[dict[str, Any]]:
    """A compressor of version 2 as a codec of version 3; one that has none keeps its name, for which it is refused."""
    if compressor is None:
        return []
    name = compressor.get("id")
    settings = {key: value for key, value in compressor.items() if key != "id"}
    if name == "blosc":
        shuffle = settings.get("shuffle", 1)
        way = ("shuffle" if itemsize > 1 else "bitshuffle") if shuffle == -1 else _SHUFFLES[shuffle]
        settings |= {"shuffle": way, "typesize": itemsize}
    if name == "zstd":
        settings = {"level": settings.get("level", 0), "checksum": bool(settings.get("checksum", False))}
    return [{"name": name, "configuration": settings}]
