"""Raw files of lab cameras with their references, against the formula in plain NumPy."""

from contextlib import nullcontext

import numpy as np
import pytest
from cube_files import write_hyspex

from mmhsi.errors import ConfigError, DataError, DataWarning, FileFormatError
from mmhsi.io import open_cube, read_cube

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
    assert reader.info.reflectance
    assert not open_cube(path, white="none").info.reflectance
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
    np.testing.assert_array_equal(open_cube(path, white="none").read().data, raw)


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
    with pytest.raises(ConfigError, match=r"dark='d.hdr' says nothing where white='none'"):
        open_cube(path, white="none", dark="d.hdr")


def test_references_are_for_rasters_and_raw_values_for_all(tmp_path):
    np.save(tmp_path / "cube.npy", np.ones((4, 5, 3)))
    for given in (dict(white="w.hdr"), dict(dark="d.hdr")):
        (name,) = given
        with pytest.raises(DataError, match=f"{name}={given[name]} is for rasters of a camera"):
            open_cube(tmp_path / "cube.npy", axes="y x band", **given)
    assert open_cube(tmp_path / "cube.npy", axes="y x band", white="none").read().data.shape == (4, 5, 3)


def test_a_folder_of_specims_recorder(capture):
    folder, raw, dark, white = capture
    inside = folder / "leaf" / "capture"
    inside.mkdir(parents=True)
    (folder / "leaf" / "manifest.xml").write_text("<manifest/>")
    _envi(inside / "leaf.hdr", raw, himg="{3, 7}")
    _envi(inside / "DARKREF_leaf.hdr", dark, himg="{3, 7}")
    wide = np.concatenate([white[:, :2] * 2, white, white[:, :1]], axis=1)
    _envi(inside / "WHITEREF_leaf.hdr", wide, himg="{1, 8}")
    expected = (raw - dark.mean(axis=0)) / (white.mean(axis=0) - dark.mean(axis=0))
    for path in (folder / "leaf", inside, inside / "leaf.raw"):
        with pytest.warns(DataWarning) if path == folder / "leaf" else nullcontext(), open_cube(path) as reader:
            np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)
    _envi(inside / "other.hdr", raw)
    with pytest.raises(FileFormatError, match=r"holds 2 captures; name one of leaf\.hdr, other\.hdr"):
        open_cube(folder / "leaf")


def test_a_white_capture_has_a_dark_reference_of_its_own(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "leaf.hdr", raw, tint="20")
    _envi(folder / "DARKREF_leaf.hdr", dark, tint="20")
    panel = folder / "panel" / "capture"
    panel.mkdir(parents=True)
    _envi(panel / "panel.hdr", white, tint="5")
    _envi(panel / "DARKREF_panel.hdr", dark - 30, tint="5")
    expected = (raw - dark.mean(axis=0)) / 20 / ((white.mean(axis=0) - dark.mean(axis=0) + 30) / 5)
    for named in (folder / "panel", panel / "panel.raw"):
        with open_cube(path, white=named) as reader:
            np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)
    # A folder of another scene, which has a white reference: that is the white, not the scene.
    _envi(panel / "WHITEREF_panel.hdr", white, tint="5")
    _envi(panel / "panel.hdr", raw, tint="5")
    with open_cube(path, white=folder / "panel") as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)


def test_resonon_names_and_gain_in_decibels(capture):
    folder, raw, dark, white = capture
    for name, values, gain in (("cube", raw, 6), ("white", white, 0), ("dark", dark, 6)):
        header = _envi(folder / f"{name}.hdr", values, shutter="4.99", gain=gain, imager_serial_number="100121-58")
        header.with_suffix(".raw").rename(folder / f"{name}.bil")
        header.rename(folder / f"{name}.bil.hdr")
    expected = (raw - dark.mean(axis=0)) / (white.mean(axis=0) - dark.mean(axis=0)) / 10 ** (6 / 20)
    named = dict(white=folder / "white.bil", dark=folder / "dark.bil.hdr")
    with pytest.warns(DataWarning, match=r"of white.bil was exposed differently") as seen:
        cubes = [read_cube(folder / name, **named) for name in ("cube.bil", "cube.bil.hdr")]
    for cube in cubes:
        np.testing.assert_allclose(cube.data, expected, rtol=1e-5)
    assert len(seen) == 1  # one capture, by whichever of its files it is named


def test_hyspex_carries_its_dark_reference_and_its_time(capture):
    folder, raw, dark, white = capture
    path = write_hyspex(folder / "rock", raw.astype("<u2"), dark[0], 8000)
    panel = write_hyspex(folder / "panel", white.astype("<u2"), dark[1], 2000)
    np.testing.assert_array_equal(open_cube(folder / "rock.hyspex").read().data, raw)
    expected = (raw - dark[0]) / 8000 / ((white.mean(axis=0) - dark[1]) / 2000)
    with open_cube(path, white=panel) as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)


def test_what_a_reference_leaves_open_is_said(capture):
    folder, raw, dark, white = capture
    path = _envi(folder / "a.hdr", raw, tint="20", gain="2")
    panel = _envi(folder / "w.hdr", white, tint="20", gain="3")
    with pytest.warns(DataWarning) as seen:
        open_cube(path, white=panel)
    said = "\n".join(str(one.message) for one in seen)
    assert "no dark reference is known" in said
    assert "gain = 2, w.hdr 3, of unknown unit" in said
    other = _envi(folder / "b.hdr", raw, himg="{2, 6}", tint="20")
    with pytest.raises(DataError, match="does not fit"):
        open_cube(other, white=_envi(folder / "v.hdr", white, himg="{1, 5}"))
    with pytest.warns(DataWarning, match=r"of raw file was exposed differently \(10 against 20, exposure time"):
        open_cube(other, white=panel, dark=_envi(folder / "d.hdr", dark, tint="10"))


@pytest.mark.parametrize("field", ["gain = nan", "gain = inf", "gain = 1e9", "tint1 = inf\ntint2 = 1\nvimg1 = {1, 1}"])
def test_a_header_that_says_no_number_is_as_one_that_says_nothing(capture, field):
    folder, raw, dark, white = capture
    headers = [
        _envi(folder / f"{name}.hdr", values, shutter="5") for name, values in (("a", raw), ("w", white), ("d", dark))
    ]
    headers[0].write_text(headers[0].read_text() + field + "\n")
    expected = (raw - dark.mean(axis=0)) / (white.mean(axis=0) - dark.mean(axis=0))
    warned = pytest.warns(DataWarning, match="of unknown unit") if "gain" in field else nullcontext()
    with warned, open_cube(headers[0], white=headers[1], dark=headers[2]) as reader:
        np.testing.assert_allclose(reader.read().data, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("fields", "kind", "doubted"),
    [
        (dict(tint="20.0"), "<u2", True),
        (dict(tint="20.0", reflectance_scale_factor="10000"), "<u2", False),
        (dict(tint="20.0", description="{Reflectance x 10000}"), "<u2", False),
        (dict(tint="20.0"), "<i2", False),
        ({}, "<u2", False),
    ],
)
def test_raw_counts_without_references_are_doubted(capture, recwarn, fields, kind, doubted):
    folder, raw, *_ = capture
    path = _envi(folder / "leaf.hdr", raw, **fields)
    if kind == "<i2":
        path.write_text(path.read_text().replace("data type = 12", "data type = 2"))
    open_cube(path).close()
    assert [("looks like a camera's raw counts: --white FILE" in str(one.message)) for one in recwarn] == [
        True
    ] * doubted
    other = _envi(folder / "meant.hdr", raw, **fields)
    open_cube(other, white="none").close()
    reference = _envi(folder / "WHITEREF_leaf.hdr", raw, **fields)
    open_cube(reference).close()
    assert len(recwarn) == doubted


def test_the_time_of_the_capture_and_the_files_that_were_read(capture):
    folder, raw, dark, white = capture
    path = _envi(
        folder / "leaf.hdr", raw, acquisition_date="DATE(yyyy-mm-dd): 2018-01-24", Start_Time="UTC TIME: 10:11:12"
    )
    named = dict(dark=_envi(folder / "d.hdr", dark), white=_envi(folder / "w.hdr", white))
    with open_cube(path, **named) as reader:
        assert reader.info.acquired == "2018-01-24T10:11:12Z"
        read = {file.name for file in reader.files}
    assert read == {"leaf.hdr", "leaf.raw", "d.hdr", "d.raw", "w.hdr", "w.raw"}
