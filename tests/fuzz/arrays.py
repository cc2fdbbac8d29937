"""NumPy files."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
from evil import Evil
from fuzz.case import Case
from fuzz.entries import CUBE
from fuzz.files import of_bytes, write_npy

EVIL = Evil(Path("/tmp/unpickled"))


def npy(header: str, data: bytes = CUBE.tobytes(), length: int | None = None, version: int = 1) -> bytes:
    """A .npy file by hand; `length` is the lie about its header."""
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY" + struct.pack("<BBH", version, 0, len(text) if length is None else length) + text + data


def shaped(shape: str, descr: str = "'<i2'", data: bytes = CUBE.tobytes()) -> bytes:
    return npy(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}", data)


def handmade(name: str, content: bytes, refused: bool | None = True, **options: object) -> Case:
    return Case(f".npy: {name}", of_bytes("scene.npy", content), refused, **options)


def saved(name: str, array: np.ndarray, refused: bool | None = True, **options: object) -> Case:
    return Case(f".npy: {name}", lambda folder: write_npy(folder, array), refused, **options)


def sparse(folder: Path) -> Path:
    """A terabyte on paper and a hole on disk."""
    path = folder / "scene.npy"
    path.write_bytes(shaped("(1000000, 100000, 5)", data=b""))
    with path.open("r+b") as file:
        file.truncate(128 + 10**12)
    return path


CASES = [
    *[handmade(f"cut after {size} bytes", shaped("(12, 14, 5)")[:size]) for size in (3, 8, 60, 127, 1000)],
    handmade("shape larger than the data", shaped("(12, 14, 6)")),
    handmade("shape of a petabyte", shaped("(1000000, 100000, 5000)")),
    handmade("shape beyond 2^64", shaped(f"({2**40}, {2**40}, 5)")),
    handmade("negative shape", shaped("(-12, 14, 5)")),
    handmade("shape of words", shaped("('a', 14, 5)")),
    handmade("no rows", shaped("(0, 14, 5)")),
    handmade("code in the header", npy("__import__('os').system('touch /tmp/unpickled')")),
    handmade("brackets in brackets", npy("(" * 60)),
    handmade("type of words", shaped("(12, 14, 5)", "'nonsense'")),
    handmade("header of 64 kB that is not there", npy("{}", length=65535)),
    handmade("version 9", npy("{}", version=9)),
    handmade(
        "pickled objects",
        shaped("(12, 14, 5)", "'|O'", pickle.dumps(np.full((12, 14, 5), EVIL))),
    ),
    handmade("a pickle named .npy", pickle.dumps(CUBE)),
    saved("complex", CUBE * 1j),
    saved("text in the array", CUBE.astype("U4")),
    saved("dates", CUBE.astype("M8[s]")),
    saved("booleans", CUBE % 2 == 0, None),
    saved("long double", CUBE.astype(np.longdouble), None),
    saved("64-bit numbers", CUBE.astype(np.uint64) * 10**14, None),
    saved("one axis", CUBE.ravel()),
    saved("four axes", CUBE[None]),
    Case(".npy: a terabyte in a sparse file", sparse, False, ("pixel",)),
    Case(".npy: a terabyte in a sparse file, read whole", sparse, True, ("cube", "scene", "tiles", "corpus")),
]
