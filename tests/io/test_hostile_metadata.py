"""What files say of themselves beside their values: applied, said in a line, or refused; never dropped in silence."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from cube_files import make_cube, write_envi, write_geotiff
from rasterio.enums import ColorInterp

from mmhsi.errors import DataError, DataWarning, FileFormatError, MMHSIError
from mmhsi.io import open_cube

CUBE = make_cube(4)
NM = "{450, 550, 650, 750}"


def _envi(folder, extra):
    return write_envi(folder / "scene.img", CUBE, extra=extra).with_suffix(".hdr")


def _hdf5(folder, attributes, name="scene.h5", nm=None):
    with h5py.File(folder / name, "w") as file:
        data = file.create_dataset("cube", data=CUBE)
        data.attrs.update({"_ARRAY_DIMENSIONS": ["y", "x", "band"], **attributes})
        if nm is not None:
            file["wavelength"] = np.asarray(nm, dtype=float)
    return folder / name


def _values(path, **options):
    with open_cube(path, **options) as reader:
        return reader.read().data


@pytest.mark.parametrize(
    ("units", "values", "nm"),
    [
        ("Wavenumber", "{20000, 16000, 12500, 10000}", [500, 625, 800, 1000]),
        ("THz", "{600, 500, 400, 300}", [499.654, 599.585, 749.481, 999.308]),
        ("GHz", "{600000, 500000, 400000, 300000}", [499.654, 599.585, 749.481, 999.308]),
    ],
)
def test_wavenumbers_and_frequencies_become_wavelengths(tmp_path, units, values, nm):
    extra = f"wavelength units = {units}\nwavelength = {values}\nfwhm = {values}"
    info = open_cube(_envi(tmp_path, extra)).info
    np.testing.assert_allclose(info.wavelengths, nm, rtol=1e-5)
    np.testing.assert_allclose(info.fwhm, nm, rtol=1e-5)  # as wide as the value: as wide as the wavelength


@pytest.mark.parametrize(
    ("units", "nm", "said"),
    [
        ("Index", None, "no unit of length; none is read"),
        ("MHz", None, "none of an optical sensor"),
        ("furlongs", [450, 550, 650, 750], "no unit of length; taken as nm"),
    ],
)
def test_units_that_are_none_are_said(tmp_path, units, nm, said):
    path = _envi(tmp_path, f"wavelength units = {units}\nwavelength = {NM}")
    with pytest.warns(DataWarning, match=said):
        found = open_cube(path).info.wavelengths
    assert found is None if nm is None else found.tolist() == nm


@pytest.mark.parametrize("units", ["percent", "%", "Reflectance (%)"])
def test_percent_becomes_reflectance(tmp_path, units):
    """Where the file has wavelengths: a map of another quantity in percent keeps its unit."""
    tags = {band: dict(wavelength=str(400 + 100 * band)) for band in range(1, 5)}
    for name, known in (("spectral.tif", tags), ("map.tif", None)):
        with rasterio.open(write_geotiff(tmp_path / name, CUBE, known), "r+") as dataset:
            dataset.units = [units] * 4
    np.testing.assert_allclose(_values(tmp_path / "spectral.tif"), CUBE / 100, rtol=1e-6)
    np.testing.assert_array_equal(_values(tmp_path / "map.tif"), CUBE)
    np.testing.assert_allclose(
        _values(_envi(tmp_path, f"data units = {units}\nwavelength = {NM}")), CUBE / 100, rtol=1e-6
    )
    scaled = _hdf5(tmp_path, dict(units=units, scale_factor=0.5, add_offset=10.0), nm=[450, 550, 650, 750])
    np.testing.assert_allclose(_values(scaled), (CUBE * 0.5 + 10) / 100, rtol=1e-6)
    said = [open_cube(path).info.reflectance for path in (tmp_path / "spectral.tif", scaled, tmp_path / "map.tif")]
    assert said == [True, True, False]


@pytest.mark.parametrize(
    "extra",
    [
        "data gain values = {2, 2}",
        "data gain values = {2, a, 2, 2}",
        "data offset values = {1, a, 3, 4}",
        "reflectance scale factor = {100, 100, 100, 100}",
        "major frame offsets = {10, 20}",
        "minor frame offsets = {0, 1}",
        "map info = {UTM, 1, 1, 5e5, 4e6, nan, 30, 32, North}",
    ],
)
def test_headers_whose_words_would_be_dropped_are_refused(tmp_path, extra):
    with pytest.raises(MMHSIError, match=r"scene.hdr: "):
        open_cube(_envi(tmp_path, extra)).info  # noqa: B018


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("data gain values = {2, 2, 2, 2}\nreflectance scale factor = 100", "only the former are applied"),
        ("data reflectance gain values = {2, 2, 2, 2}", "not applied"),
        ("wavelength = {1, 2, 3, 4}\nwavelength = {450, 550, 650, 750}", "twice"),
        ("wavelength = {450, 550, 0, 750}", "no positive numbers"),
        ("map info = {UTM, 1, 1}", "'map info' that says no place"),
    ],
)
def test_what_a_header_says_and_is_not_applied_is_said(tmp_path, extra, said):
    path = _envi(tmp_path, extra)
    with pytest.warns(DataWarning, match=said):
        open_cube(path).info  # noqa: B018


def test_wavelengths_of_some_bands_alone_are_said(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", CUBE, {1: {"wavelength": "450"}})
    with pytest.warns(DataWarning, match="says wavelength of 1 of 4 bands alone; not used"):
        assert open_cube(path).info.wavelengths is None


@pytest.mark.parametrize("text", ["abc", "7,8", "0x10", "-", "1 2"])
@pytest.mark.parametrize("big", ["NO", "YES"])
def test_missing_values_that_are_no_number_are_refused(tmp_path, text, big):
    """GDAL takes each of these for 0, or for its first number."""
    path = write_geotiff(tmp_path / "scene.tif", CUBE, nodata=12345, bigtiff=big)
    content = path.read_bytes()
    assert content.count(b"12345\0") == 1
    path.write_bytes(content.replace(b"12345\0", text.encode().ljust(6, b"\0")))
    with pytest.raises(DataError, match="as the value of missing data; expected a number"):
        open_cube(path)


def _vrt(folder, body, name="scene.vrt"):
    band = f'<VRTRasterBand dataType="Int16" band="1">{body}</VRTRasterBand>'
    (folder / name).write_text(f'<VRTDataset rasterXSize="17" rasterYSize="13">{band}</VRTDataset>')
    return folder / name


def _source(name, count=1):
    text = f'<SourceFilename relativeToVRT="1">{name}</SourceFilename><SourceBand>1</SourceBand>'
    return f"<SimpleSource>{text}</SimpleSource>" * count


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<NoDataValue>abc</NoDataValue>", "missing data"),
        (
            "<PixelFunctionType>os.system</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>",
            "code",
        ),
        ('<Overview a="VRTRawRasterBand"/>', "raw bands"),
    ],
)
def test_virtual_rasters_with_code_raw_bytes_or_words_for_numbers(tmp_path, body, said):
    write_geotiff(tmp_path / "source.tif", CUBE)
    with pytest.raises(MMHSIError, match=said):
        open_cube(_vrt(tmp_path, body + _source("source.tif")))


def test_virtual_rasters_that_multiply_are_not_followed(tmp_path):
    """A hundred times a hundred times a hundred sources in three small files; and two that lead back to each other."""
    write_geotiff(tmp_path / "source.tif", CUBE)
    for number, name in enumerate(("source.tif", "0.vrt", "1.vrt")):
        path = _vrt(tmp_path, _source(name, 100), f"{number}.vrt")
    with pytest.raises(FileFormatError, match="more than 50000 sources"):
        open_cube(path)
    _vrt(tmp_path, _source("b.vrt"), "a.vrt")
    with pytest.raises(FileFormatError, match="lead back"):
        open_cube(_vrt(tmp_path, _source("a.vrt"), "b.vrt"))


def test_several_bands_of_transparency_are_none(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", CUBE)
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = [ColorInterp.gray, ColorInterp.gray, ColorInterp.alpha, ColorInterp.alpha]
    np.testing.assert_array_equal(_values(path), CUBE)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize("name", ["scene.h5", "EMIT_L2A_RFL_001.nc"])
@pytest.mark.parametrize("where", ["crs", "zz"])
def test_links_to_other_files_are_not_opened(tmp_path, name, where):
    """A product's reader asks every group for what it holds: of a link to a pipe that would never end."""
    os.mkfifo(tmp_path / "pipe")
    path = _hdf5(tmp_path, dict(grid_mapping=where), name)
    with h5py.File(path, "r+") as file:
        file[where] = h5py.ExternalLink(str(tmp_path / "pipe"), "/x")
        file["circle"], file["round"] = h5py.SoftLink("/round"), h5py.SoftLink("/circle")
    np.testing.assert_array_equal(_values(path), CUBE)


def test_a_file_of_thousands_of_groups_is_not_searched(tmp_path):
    path = _hdf5(tmp_path, {})
    with h5py.File(path, "r+") as file:
        for number in range(2001):
            file.id.links.create_hard(f"link{number}".encode(), file.id, b"cube")
    with pytest.raises(FileFormatError, match="more than 2000 groups and data sets"):
        open_cube(path)


@pytest.mark.parametrize(
    ("attributes", "missing"),
    [
        (dict(_FillValue=7), 7),
        (dict(Data_Ignore_Value=7.0), 7),
        (dict(nodata=7), 7),
        (dict(missing_value=np.array([7, 14])), 14),
    ],
)
def test_whatever_says_which_values_are_missing_is_heard(tmp_path, attributes, missing):
    with open_cube(_hdf5(tmp_path, attributes)) as reader:
        valid = reader.read().valid()
    assert not valid[(missing == CUBE).any(axis=2)].any()


@pytest.mark.parametrize("attributes", [dict(valid_range=np.array([100, 10])), dict(_Unsigned="true")])
def test_attributes_that_would_lose_every_value_are_refused(tmp_path, attributes):
    with pytest.raises(DataError, match=r"scene.h5: /cube says"):
        open_cube(_hdf5(tmp_path, attributes)).info  # noqa: B018


def test_a_scale_of_unknown_meaning_is_said(tmp_path):
    with pytest.warns(DataWarning, match="may multiply or divide"):
        np.testing.assert_array_equal(_values(_hdf5(tmp_path, dict(Scale_Factor=10000.0))), CUBE)


def test_cubes_without_pixels_are_refused(tmp_path):
    np.save(tmp_path / "scene.npy", np.zeros((0, 5, 4)))
    with pytest.raises(DataError, match=r"holds no pixels or bands \(0 x 5 x 4\)"):
        open_cube(tmp_path / "scene.npy").info  # noqa: B018


def test_a_header_of_npy_is_bounded_before_it_is_read(tmp_path):
    path = tmp_path / "scene.npy"
    with Path(path).open("wb") as file:
        file.write(b"\x93NUMPY\2\0" + (1 << 30).to_bytes(4, "little"))
        file.truncate(1 << 31)
    with pytest.raises(FileFormatError, match="its header has 1073741824 bytes"):
        open_cube(path)
