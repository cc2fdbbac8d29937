"""Raw files of lab cameras with their references, against the formula in plain NumPy."""

import numpy as np
import pytest

from mmhsi.errors import DataError, DataWarning, FileFormatError
from mmhsi.io import open_cube

RNG = np.random.default_rng(3)


def _envi(header, values, **fields):
    """An ENVI file (rows, columns, bands), BIL, uint16."""
    values = values.astype("<u2")
    height, width, bands = values.shape
    values.transpose(0, 2, 1).tofile(header.with_suffix(".raw"))  # (H, W, C) -> (H, C, W)
    lines = dict(samples=width, lines=height, bands=bands, interleave="bil", header_offset=0, byte_order=0, **fields)
    lines["data type"] = 12
    text = "\n".join(f"{name.replace('_', ' ')} = {value}" for name, value in lines.items())
    header.write_text(f"ENVI\n{text}\nwavelength units = nm\nwavelength = {{400, 500, 600}}\n")
    return header


@pytest.fixture(name="capture")
def capture_fixture(tmp_path):
    dark = RNG.integers(90, 110, (70, 5, 3))
    white = RNG.integers(2000, 4000, (80, 5, 3))
    raw = RNG.integers(200, 2000, (6, 5, 3))
    return tmp_path, raw, dark, white


def test_specim_capture_is_reflectance(capture):
    folder, raw, dark, white = capture
    white[:, 2, 1] = 0  # a dead pixel
    path = _envi(folder / "leaf.hdr", raw, tint="20.0")
    _envi(folder / "DARKREF_leaf.hdr", dark, tint="20.0")
    _envi(folder / "WHITEREF_leaf.hdr", white, tint="5.0")
    white_dark = dark - 20
    _envi(folder / "WHITEDARKREF_leaf.hdr", white_dark, tint="5.0")
    with np.errstate(divide="ignore"):
        expected = (raw - dark.mean(axis=0)) / 20 / ((white.mean(axis=0) - white_dark.mean(axis=0)) / 5)
    expected[:, 2, 1] = np.nan
    with pytest.warns(DataWarning, match="read as reflectance by WHITEREF_leaf"):
        reader = open_cube(path)
    cube, part = reader.read(), reader.read((2, 1, 3, 3), [2, 0])
    reader.close()
    np.testing.assert_allclose(cube.data, expected, rtol=1e-5)
    np.testing.assert_allclose(part.data, expected[2:5, 1:4][..., [2, 0]], rtol=1e-5)
    assert cube.wavelengths.tolist() == [400, 500, 600]
    assert cube.data.dtype == np.float32
    np.testing.assert_array_equal(open_cube(path, white="none").read().data, raw)
    np.testing.assert_array_equal(open_cube(folder / "DARKREF_leaf.hdr").read().data, dark)


def test_headwall_names(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "raw_1464.hdr", raw)
    _envi(folder / "darkReference.hdr", dark[:1])
    _envi(folder / "whiteReference.hdr", white)
    expected = (raw - dark[0]) / (white.mean(axis=0) - dark[0])
    with pytest.warns(DataWarning), open_cube(path) as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)


def test_references_by_name(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "resonon.hdr", raw, shutter="10")
    named = dict(dark=_envi(folder / "d.hdr", dark, shutter="10"), white=_envi(folder / "w.hdr", white, shutter="4"))
    expected = (raw - dark.mean(axis=0)) / 10 / ((white.mean(axis=0) - dark.mean(axis=0)) / 4)
    with pytest.warns(DataWarning, match="exposed differently"), open_cube(path, **named) as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)
    np.testing.assert_array_equal(open_cube(path).read().data, raw)


def test_two_detectors_have_times_of_their_own(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "fenix.hdr", raw, tint1="28", tint2="8", vimg1="{1, 2}")
    _envi(folder / "DARKREF_fenix.hdr", dark)
    _envi(folder / "WHITEREF_fenix.hdr", white, tint1="7", tint2="16", vimg1="{1, 2}")
    expected = (raw - dark.mean(axis=0)) / (white.mean(axis=0) - dark.mean(axis=0)) * [7 / 28, 7 / 28, 16 / 8]
    with pytest.warns(DataWarning), open_cube(path) as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)


def test_references_that_cannot_be(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "a.hdr", raw)
    narrow = _envi(folder / "n.hdr", white[:, :4])
    with pytest.raises(DataError, match="4 columns and 3 bands does not fit"):
        open_cube(path, white=narrow)
    with pytest.raises(DataError, match="without a white reference"):
        open_cube(path, dark=_envi(folder / "d.hdr", dark))
    with pytest.raises(FileFormatError, match="no such file"):
        open_cube(path, white=folder / "missing.hdr")
