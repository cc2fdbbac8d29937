"""MATLAB files of version 5 and 7.3."""

from __future__ import annotations

import struct
import zlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cube_files
import h5py
import numpy as np
from fuzz.case import Case
from fuzz.entries import CUBE
from fuzz.files import change, cut, damaged, of_bytes, write_mat5, write_mat73

if TYPE_CHECKING:
    from collections.abc import Callable

_ANY = ("cube", "label_map", "scene", "predict")


def element(kind: int, content: bytes, length: int | None = None) -> bytes:
    """A data element of version 5; `length` is the lie about its content."""
    return struct.pack("<II", kind, len(content) if length is None else length) + content + bytes(-len(content) % 8)


def matrix(
    shape: tuple[int, ...] = (12, 14, 5),
    data: bytes = CUBE.tobytes(),
    data_length: int | None = None,
    name: bytes = b"scene",
    name_length: int | None = None,
    flags: int = 10,
) -> bytes:
    """A variable of int16; `flags` is MATLAB's class with its flags."""
    content = element(6, struct.pack("<II", flags, 0)) + element(5, struct.pack(f"<{len(shape)}i", *shape))
    content += element(1, name, name_length)
    return content + struct.pack("<II", 3, len(data) if data_length is None else data_length) + data


def mat5(name: str, *content: bytes, length: int | None = None, refused: bool | None = True, **options: object) -> Case:
    """A compressed file of version 5 with one variable, whose content is the parts put together."""

    def build(folder: Path) -> Path:
        packer = zlib.compressobj(9)  # the more it packs, the more one block of it unpacks to
        size = sum(map(len, content)) if length is None else length
        parts = [packer.compress(part) for part in (struct.pack("<II", 14, size & 0xFFFFFFFF), *content)]
        packed = b"".join(parts) + packer.flush()
        head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x100, b"IM")
        (folder / "scene.mat").write_bytes(head + struct.pack("<II", 15, len(packed)) + packed)
        return folder / "scene.mat"

    return Case(f".mat 5: {name}", build, refused, **{"entries": _ANY, **options})


def edited(name: str, edit: Callable[[Path], object], refused: bool | None = True, compress: bool = True) -> Case:
    return Case(f".mat 5: {name}", damaged(partial(write_mat5, compress=compress), edit), refused, _ANY)


def holding(name: str, key: str | None = None, **variables: object) -> Case:
    def build(folder: Path) -> Path:
        return cube_files.write_mat5(folder / "scene.mat", **variables)

    return Case(f".mat 5: {name}", build, key=key)


def hdf5(
    name: str,
    fill: Callable[[h5py.File], object],
    refused: bool | None = True,
    key: str | None = None,
    **options: object,
) -> Case:
    """A file of version 7.3."""

    def build(folder: Path) -> Path:
        with h5py.File(folder / "scene.mat", "w", userblock_size=512) as file:
            fill(file)
        with (folder / "scene.mat").open("r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
        return folder / "scene.mat"

    return Case(f".mat 7.3: {name}", build, refused, key=key, **options)


def damaged73(name: str, edit: Callable[[Path], object], refused: bool | None = True) -> Case:
    return Case(f".mat 7.3: {name}", damaged(write_mat73, edit), refused)


def empty(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Callable[[h5py.File], object]:
    """A cube without a byte on disk."""
    return lambda file: file.create_dataset("scene", shape, "int16", chunks=chunks, compression="gzip")


def external_link(file: h5py.File) -> None:
    with h5py.File(Path(file.filename).with_name("other.h5"), "w") as other:
        other["cube"] = CUBE.T
    file["scene"] = h5py.ExternalLink("other.h5", "/cube")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("scene", CUBE.T.shape, "int16", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(CUBE.T.shape, "int16")
    layout[:] = h5py.VirtualSource("/etc/passwd", "scene", CUBE.T.shape)
    file.create_virtual_dataset("scene", layout)


def loop(file: h5py.File) -> None:
    file["scene"] = CUBE.T
    file["scene2"] = h5py.SoftLink("/scene2")
    file["group/again"] = file["/"]


def bomb73(stored: int) -> Callable[[h5py.File], None]:
    """A cube of 1.7 kB in one chunk, whose deflated bytes unpack to `stored` zeros."""

    def fill(file: h5py.File) -> None:
        dataset = file.create_dataset("scene", CUBE.T.shape, "int16", chunks=CUBE.T.shape, compression="gzip")
        packer = zlib.compressobj(9)
        parts = [packer.compress(bytes(1 << 20)) for _ in range(stored >> 20)]
        dataset.id.write_direct_chunk((0, 0, 0), b"".join(parts) + packer.flush())

    return fill


_ZEROS = [bytes(1 << 20)] * 400
_HEAD = matrix(data=b"")[:-8]
CASES = [
    mat5("valid by hand", matrix(), refused=False, entries=("cube",)),
    *[edited(f"cut after {size} bytes", lambda path, size=size: cut(path, size)) for size in (4, 127, 130, 400, 800)],
    edited("plain, cut in the data", lambda path: cut(path, 900), compress=False),
    edited("another byte order mark", lambda path: change(path, b"IM", b"XX")),
    edited("version 9", lambda path: path.write_bytes(path.read_bytes()[:124] + b"\0\x09IM" + path.read_bytes()[128:])),
    edited("header, then noise", lambda path: path.write_bytes(path.read_bytes()[:128] + b"\xa5" * 999)),
    edited(
        "a number flipped in the packed data", lambda path: change(path, path.read_bytes()[300:304], b"\xff\0\xff\0")
    ),
    mat5("declares 8 TB", matrix((20000, 20000, 10000), data_length=2**32 - 1)),
    mat5("declares 1.2 GB, holds 2 kB", matrix((6000, 10000, 10), data_length=6000 * 10000 * 10 * 2)),
    mat5("small shape, 400 MB of zeros behind it", _HEAD, struct.pack("<II", 3, 400 << 20), *_ZEROS, megabytes=320),
    mat5("small shape, data of 4 GB declared", matrix(data_length=2**32 - 8)),
    mat5("400 MB of zeros for a name", matrix(name=b"", name_length=400 << 20)[:40], *_ZEROS, megabytes=320),
    mat5("400 MB of zeros behind the variable", matrix(), *_ZEROS, refused=None, megabytes=320),
    mat5("negative shape", matrix((-12, 14, 5))),
    mat5("shape of no rows", matrix((0, 14, 5), b"")),
    mat5("40 axes", matrix((1,) * 40)),
    mat5("product of the shape beyond 2^64", matrix((2**31 - 1,) * 3)),
    mat5("class 99", matrix(flags=99)),
    mat5("complex without second part", matrix(flags=10 | 0x800)),
    mat5("empty name", matrix(name=b""), refused=None),
    mat5("name with a line break", matrix(name=b"sc\nne"), refused=None),
    holding("text", scene="hello"),
    holding("cells", scene=np.array([[1], ["a"]], dtype=object)),
    holding("complex", scene=CUBE * 1j),
    holding("two cubes", one=CUBE, two=CUBE),
    holding("another key", key="nothing", scene=CUBE),
    holding("nothing"),
    holding("four axes", scene=CUBE[None]),
    Case(
        ".mat 4 that declares 2^31 rows",
        of_bytes("scene.mat", struct.pack("<5i", 0, 2**31 - 1, 2**31 - 1, 0, 6) + b"scene\0" + bytes(99)),
        entries=_ANY,
    ),
    Case(
        ".mat 4 with a name of 2 GB",
        of_bytes("scene.mat", struct.pack("<5i", 0, 12, 14, 0, 2**31 - 1) + b"scene\0" + bytes(99)),
        entries=_ANY,
    ),
    *[
        damaged73(f"cut after {share} of 4", lambda path, share=share: cut(path, path.stat().st_size * share // 4))
        for share in (1, 2, 3)
    ],
    damaged73("wrong magic", lambda path: change(path, b"\x89HDF", b"\x89HDG")),
    damaged73("noise in the middle", lambda path: change(path, path.read_bytes()[900:1400], b"\xa5" * 500), None),
    hdf5("external link", external_link, key="scene"),
    hdf5("external storage", external_storage),
    hdf5("virtual data set of another file", virtual),
    hdf5("links in a loop", loop, None, key="scene"),
    hdf5("declares 2 PB", empty((5, 10**7, 10**7), (1, 99, 99)), False, entries=("pixel",)),
    hdf5(
        "declares 2 PB, read whole", empty((5, 10**7, 10**7), (1, 99, 99)), entries=("cube", "scene", "tiles", "corpus")
    ),
    hdf5("chunks of 4 GB", empty((5, 40000, 40000), (1, 40000, 40000)), None, entries=("pixel",)),
    hdf5("small chunk that unpacks to 400 MB", bomb73(400 << 20)),
    hdf5("text", lambda file: file.create_dataset("scene", data=np.full((5, 14, 12), b"a"))),
    hdf5("structures", lambda file: file.create_dataset("scene", data=np.zeros((5, 14, 12), "i2,i2"))),
    hdf5("complex", lambda file: file.create_dataset("scene", data=CUBE.T * 1j)),
    hdf5("booleans", lambda file: file.create_dataset("scene", data=CUBE.T % 2 == 0), None),
    hdf5("half precision", lambda file: file.create_dataset("scene", data=CUBE.T.astype("f2")), None),
    hdf5("no shape", lambda file: file.create_dataset("scene", data=h5py.Empty("f4")), key="scene"),
    hdf5("no pixels", lambda file: file.create_dataset("scene", (5, 0, 12), "i2")),
]
