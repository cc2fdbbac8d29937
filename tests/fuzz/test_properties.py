"""Damage at random places, random headers, random values: a result or one line, and results that are right."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from fuzz.files import FORMATS, write_envi
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhsi.errors import MMHSIError
from mmhsi.io import HSICube, read_cube, write_cube

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=40)
"""The same examples in every run."""


def read_or_refuse(path: Path) -> None:
    message = ""
    try:
        read_cube(path)
    except MMHSIError as error:
        message = str(error)
    assert len(message.splitlines()) <= 1


@st.composite
def damages(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """What is done to a file: kind, place as a share of its length, bytes."""
    kinds = st.sampled_from(["flip", "cut", "insert", "erase"])
    # Headers are where it hurts: half of the places lie in the first tenth.
    places = st.one_of(st.floats(0, 1), st.floats(0, 0.1))
    return draw(st.lists(st.tuples(kinds, places, st.binary(min_size=1, max_size=8)), min_size=1, max_size=4))


def damage(content: bytes, steps: list[tuple[str, float, bytes]]) -> bytes:
    for kind, share, change in steps:
        at = int(share * len(content))
        if kind == "cut":
            content = content[: max(1, at)]
        elif kind == "insert":
            content = content[:at] + change + content[at:]
        else:
            content = content[:at] + (change if kind == "flip" else b"\0" * 8) + content[at + len(change) :]
    return content


@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(name, tmp_path):
    path = FORMATS[name](tmp_path)
    whole = path.read_bytes()

    @repeatable
    @given(steps=damages())
    def check(steps):
        path.write_bytes(damage(whole, steps))
        read_or_refuse(path)

    check()


KEYS = [
    "samples",
    "lines",
    "bands",
    "header_offset",
    "data_type",
    "interleave",
    "byte_order",
    "wavelength",
    "bbl",
    "fwhm",
]
VALUES = st.one_of(
    st.integers(-(2**70), 2**70), st.integers(-3, 20), st.floats(), st.lists(st.integers(-9, 9)), st.text(max_size=9)
)


@repeatable
@given(changes=st.dictionaries(st.sampled_from(KEYS), VALUES, min_size=1, max_size=3))
def test_envi_headers(changes):
    text = {key: f"{{{str(value)[1:-1]}}}" if isinstance(value, list) else value for key, value in changes.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = write_envi(Path(folder))
        path.write_bytes(
            path.read_bytes() + "".join(f"{k} = {v}\n" for k, v in text.items()).encode("utf-8", "replace")
        )
        read_or_refuse(path)
        read_or_refuse(
            write_envi(Path(folder), **{k: str(v).encode("ascii", "replace").decode() for k, v in text.items()})
        )


@repeatable
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6)),
    dtype=st.sampled_from(
        ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
    ),
    seed=st.integers(0, 2**32 - 1),
    described=st.booleans(),
)
def test_written_cubes_come_back(shape, dtype, seed, described):
    rng = np.random.default_rng(seed)
    data = np.frombuffer(rng.bytes(int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(shape)
    known = dict(wavelengths=rng.uniform(300, 2500, shape[2]), fwhm=rng.uniform(1, 20, shape[2])) if described else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scene.tif"
        write_cube(path, HSICube(data, good_bands=rng.random(shape[2]) < 0.5, **known))
        found = read_cube(path)
    np.testing.assert_array_equal(found.data, data)
    assert found.data.dtype == data.dtype
    for name, values in known.items():
        np.testing.assert_array_equal(getattr(found, name), values)
