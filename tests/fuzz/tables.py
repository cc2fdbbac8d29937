"""Label maps, splits, lists of tiles and class maps."""

from __future__ import annotations

import struct
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import scipy.io
from fuzz.arrays import npy
from fuzz.case import Case
from fuzz.entries import CUBE, LABELS
from fuzz.files import cut, write_geotiff, write_npy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LABELS = ("labels", "predict_labels")
_INDICES = np.flatnonzero(LABELS)
_BYTES = LABELS[..., None].astype("uint8")


def label_map(name: str, values: np.ndarray, refused: bool | None = True, entries: tuple[str, ...] = _LABELS) -> Case:
    """A label map in a .npy file."""
    return Case(f"labels: {name}", lambda folder: write_npy(folder, values), refused, entries)


def split(
    name: str, refused: bool | None = True, edit: Callable[[Path], object] | None = None, **arrays: object
) -> Case:
    """A split file; without `arrays` a valid one, which is then damaged."""

    def build(folder: Path) -> Path:
        path = folder / "split.npz"
        np.savez_compressed(path, **(arrays or dict(train=_INDICES[::2], test=_INDICES[1::2])))
        if edit is not None:
            edit(path)
        return path

    return Case(f"split: {name}", build, refused, ("split_file",))


def zip_of(folder: Path, **members: bytes) -> Path:
    path = folder / "split.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def bomb(folder: Path) -> Path:
    """A small archive with an array of 400 MB."""
    path = folder / "split.npz"
    header = npy(f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({50 << 20},), }}", b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("train.npy", "w") as member:
        member.write(header)
        for _ in range(400):
            member.write(bytes(1 << 20))
    return path


def tile_list(name: str, content: bytes, refused: bool | None = True) -> Case:
    """A csv file that lists tiles beside ``a.tif`` and ``b.tif``, a cube and its labels."""

    def build(folder: Path) -> Path:
        (folder / "tiles").mkdir()
        write_geotiff(folder / "tiles", name="a.tif")
        write_geotiff(folder / "tiles", _BYTES, "b.tif")
        (folder / "tiles" / "list.csv").write_bytes(content)
        return folder / "tiles" / "list.csv"

    return Case(f"list of tiles: {name}", build, refused, ("listed_tiles",))


def class_map(name: str, tag: str | None = None) -> Case:
    """A raster with this tag ``class_names``."""

    def build(folder: Path) -> Path:
        path = write_geotiff(folder, _BYTES)
        if tag is not None:
            with rasterio.open(path, "r+") as dataset:
                dataset.update_tags(class_names=tag)
                dataset.write_colormap(1, {0: (0, 0, 0)})
        return path

    return Case(f"class map: {name}", build, True, ("class_map",))


def pairs(name: str, train: object, refused: bool | None = True) -> Case:
    def build(folder: Path) -> Path:
        scipy.io.savemat(folder / "pairs.mat", {"train": train, "test": np.argwhere(LABELS)[1::2]})
        return folder / "pairs.mat"

    return Case(f"split pairs: {name}", build, refused, ("split_pairs",))


_FLOAT = LABELS.astype(float)
_HUGE_ARRAY = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (10000000000000,), }", b"")
CASES = [
    label_map("valid", LABELS, False),
    label_map("one row more", np.zeros((13, 14), int)),
    label_map("transposed", LABELS.T),
    label_map("unknown id", LABELS + 7),
    label_map("negative", LABELS - 5),
    label_map("halves", _FLOAT + 0.5),
    label_map("infinite", np.where(_FLOAT == 1, np.inf, _FLOAT)),
    label_map("NaN for no label", np.where(_FLOAT == 0, np.nan, _FLOAT), None),
    label_map("beyond int64", np.full(LABELS.shape, 2**64 - 1, np.uint64)),
    label_map("text", LABELS.astype(str)),
    label_map("complex", LABELS + 0j),
    label_map("three axes", CUBE),
    label_map("all without a label", LABELS * 0, None),
    Case("labels: cut", lambda folder: cut(write_geotiff(folder, _BYTES), 150), entries=_LABELS),
    Case("labels: a cube of 5 bands", write_geotiff, entries=_LABELS),
    label_map("all 0, for splits", LABELS * 0, entries=("split_maps",)),
    label_map("another size, for splits", LABELS.T, entries=("split_maps",)),
    split("valid", False),
    split("empty file", edit=lambda path: path.write_bytes(b"")),
    split("cut", edit=lambda path: cut(path, path.stat().st_size // 2)),
    split("text", edit=lambda path: path.write_text("train, test\n1, 2\n")),
    split("a folder", edit=lambda path: (path.unlink(), path.mkdir())),
    split("without test", train=_INDICES),
    split("pickled", train=np.array([{}, []], dtype=object), test=_INDICES),
    split("fractions", train=_INDICES[::2] + 0.5, test=_INDICES[1::2]),
    split("text in the arrays", train=np.array(["a"]), test=_INDICES),
    split("negative", train=-_INDICES[::2], test=_INDICES[1::2]),
    split("beyond the scene", train=_INDICES[::2], test=_INDICES[1::2] * 99),
    split("beyond int64", train=np.array([2**64 - 1], np.uint64), test=_INDICES),
    split("overlap", train=_INDICES, test=_INDICES),
    split("protocol of lines", False, train=_INDICES[::2], test=_INDICES[1::2], protocol=np.asarray("a\nb\x1b[31m")),
    split("overlap and protocol of lines", train=_INDICES, test=_INDICES, protocol=np.asarray("a\nb\x1b[31m")),
    Case("split: array of 80 TB declared", lambda folder: zip_of(folder, train=_HUGE_ARRAY), True, ("split_file",)),
    Case("split: small archive that unpacks to 400 MB", bomb, True, ("split_file",)),
    pairs("valid", np.argwhere(LABELS)[::2], False),
    pairs("three columns", np.ones((9, 3))),
    pairs("outside", np.full((9, 2), 99)),
    pairs("fractions", np.full((9, 2), 0.5)),
    tile_list("valid", b"image,mask\na.tif,b.tif\n", False),
    tile_list("empty", b""),
    tile_list("header alone", b"image,mask\n"),
    tile_list("other columns", b"picture,truth\na.tif,b.tif\n"),
    tile_list("line without mask", b"image,mask\na.tif,b.tif\na.tif\n"),
    tile_list("line of nothing", b"image,mask\na.tif,b.tif\n,\n"),
    tile_list("not UTF-8", b"image,mask\n\xff\xfe.tif,b.tif\n"),
    tile_list("zero bytes", b"image,mask\na\0.tif,b.tif\n"),
    tile_list("field of a megabyte", b"image,mask\n" + b"a" * (1 << 20) + b",b.tif\n"),
    tile_list("name of 5000 letters", b"image,mask\n" + b"a" * 5000 + b",b.tif\n"),
    tile_list("quote without end", b'image,mask\n"a.tif,b.tif\n'),
    tile_list("byte order mark of Excel", b"\xef\xbb\xbfimage,mask\na.tif,b.tif\n", None),
    tile_list("a tile above the folder", b"image,mask\n../../../../../../etc/passwd,b.tif\n"),
    tile_list("a URL", b"image,mask\nhttp://192.0.2.1/a.tif,b.tif\n"),
    tile_list("labels in place of the cube", b"image,mask\na.tif,b.tif\nb.tif,a.tif\n"),
    tile_list("noise", struct.pack("<99d", *np.random.default_rng(0).normal(size=99))),
    class_map("no names"),
    class_map("names that are no JSON", tag="[water"),
    class_map("names that are a number", tag="5"),
    class_map("names in a dict", tag='{"a": 1}'),
    class_map("fewer names than classes", tag='["a", "b"]'),
]
