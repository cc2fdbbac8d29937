import numpy as np
import pytest
import rasterio
from affine import Affine
from cube_files import PLACE, make_cube, write_envi, write_geotiff
from rasterio.transform import from_origin

from mmhsi.errors import DataError, DataWarning
from mmhsi.io import open_cube, read_cube

NM = [400.0, 512.5, 650.0, 700.25]
WIDTHS = [4.0, 5.5, 6.0, 7.25]


def _tags(scale=1.0, units="Nanometers", bbl="1011"):
    return {
        band + 1: {
            "wavelength": repr(NM[band] * scale),
            "fwhm": repr(WIDTHS[band] * scale),
            "bbl": bbl[band],
            **({} if units is None else {"wavelength_units": units}),
        }
        for band in range(4)
    }


def _envi_lines(scale=1.0, units="Nanometers"):
    lines = [] if units is None else [f"wavelength units = {units}"]
    lines.append("wavelength = {" + ",\n ".join(repr(value * scale) for value in NM) + "}")
    lines.append("fwhm = { " + ", ".join(repr(value * scale) for value in WIDTHS) + " }")
    return "\n".join([*lines, "bbl = {1, 0, 1, 1}", "data ignore value = -9999", ""])


def _check(info):
    np.testing.assert_allclose(info.wavelengths, NM, rtol=1e-12)
    np.testing.assert_allclose(info.fwhm, WIDTHS, rtol=1e-12)
    assert info.good_bands.tolist() == [True, False, True, True]


UNITS = [(1.0, "Nanometers"), (1e-3, "\u00b5m"), (1.0, None), (1e-3, "Unknown")]


@pytest.mark.parametrize(("scale", "units"), UNITS)
def test_geotiff_band_tags(tmp_path, scale, units):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4), _tags(scale, units))
    with open_cube(path) as reader:
        _check(reader.info)


@pytest.mark.parametrize(("scale", "units"), UNITS)
@pytest.mark.parametrize("capitals", [False, True])
def test_envi_header(tmp_path, scale, units, capitals):
    extra = _envi_lines(scale, units)
    if capitals:
        extra = extra.replace("wavelength", "Wavelength").replace("fwhm", "FWHM").replace("bbl", "BBL")
    with open_cube(write_envi(tmp_path / "scene.img", make_cube(4), extra=extra)) as reader:
        _check(reader.info)
        assert reader.info.nodata == -9999.0


def test_tags_of_the_file_as_lists(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(
            wavelength="{0.4, 0.5125, 0.65, 0.70025}",
            fwhm="0.004 0.0055 0.006 0.00725",
            bbl="{1,0,1,1}",
            wavelength_units="Micrometers",
        )
    with open_cube(path) as reader:
        _check(reader.info)


def test_gdal_imagery_domain(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2))
    with rasterio.open(path, "r+") as dataset:
        for band, (centre, width) in enumerate([("0.490", "0.098"), ("0.842", "0.145")], start=1):
            dataset.update_tags(band, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=centre, FWHM_UM=width)
    info = open_cube(path).info
    np.testing.assert_allclose(info.wavelengths, [490.0, 842.0])
    np.testing.assert_allclose(info.fwhm, [98.0, 145.0])


def test_wavelengths_of_only_some_bands_count_as_none(tmp_path):
    tags = _tags()
    del tags[3]
    info = open_cube(write_geotiff(tmp_path / "scene.tif", make_cube(4), tags)).info
    assert info.wavelengths is None
    assert info.good_bands.tolist() == [True, False, True, True]


def test_place_holders_are_no_wavelengths(tmp_path):
    extra = "wavelength units = nm\nwavelength = {0, 0, 0, 0}\n"
    assert open_cube(write_envi(tmp_path / "scene.img", make_cube(4), extra=extra)).info.wavelengths is None


def test_order_of_overlapping_bands_is_kept(tmp_path):
    extra = "wavelength units = nm\nwavelength = {655.1, 664.9, 661.2, 671.0}\n"
    cube = read_cube(write_envi(tmp_path / "scene.img", make_cube(4), extra=extra))
    assert cube.wavelengths is not None
    assert cube.wavelengths.tolist() == [655.1, 664.9, 661.2, 671.0]


def test_list_of_the_wrong_length(tmp_path, refused):
    path = write_envi(tmp_path / "scene.img", make_cube(4), extra="wavelength = {400, 500, 600}\n")
    refused(lambda: read_cube(path), DataError, path, "'wavelength'", "3 values for 4 bands")


def test_value_that_is_no_number(tmp_path, refused):
    tags = _tags()
    tags[2]["wavelength"] = "green"
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4), tags)
    refused(lambda: read_cube(path), DataError, path, "'wavelength'", "green")


def test_metadata_follows_window_and_bands(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4), _tags(), nodata=-9999)
    cube = read_cube(path, window=(2, 5, 3, 4), bands=[3, 1])
    assert cube.wavelengths is not None
    assert cube.fwhm is not None
    assert cube.wavelengths.tolist() == [700.25, 512.5]
    assert cube.fwhm.tolist() == [7.25, 5.5]
    assert cube.good_bands.tolist() == [True, False]
    assert cube.nodata == -9999.0
    assert cube.crs == PLACE["crs"]
    # 5 columns east and 2 rows south of the corner, 30 m each
    assert cube.transform == from_origin(366015.0 + 150.0, 5809965.0 - 60.0, 30.0, 30.0)


@pytest.mark.parametrize("dtype", ["int16", "float32", "float64"])
def test_scale_and_offset_of_each_band(tmp_path, dtype):
    cube = make_cube(2, dtype)
    path = write_geotiff(tmp_path / "scene.tif", cube, nodata=14)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (0.5, 2.0)
        dataset.offsets = (0.0, -3.0)
    with open_cube(path) as reader:
        info, result = reader.info, reader.read((1, 2, 5, 6), [1, 0])
    assert info.dtype == result.data.dtype == np.dtype("float64" if dtype == "float64" else "float32")
    assert info.scale.tolist() == [0.5, 2.0]
    stored = cube[1:6, 2:8, [1, 0]].astype(float)
    expected = np.where(stored == 14, np.nan, stored * [2.0, 0.5] + [-3.0, 0.0])
    np.testing.assert_array_equal(result.data, expected)
    whole = read_cube(path)
    np.testing.assert_array_equal(whole.valid(), (cube != 14).all(axis=-1))


def test_values_without_a_scale_stay_as_they_are_stored(tmp_path):
    cube = make_cube(2)
    path = write_geotiff(tmp_path / "scene.tif", cube)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (1.0, 1.0)
    result = read_cube(path)
    assert result.data.dtype == np.int16
    np.testing.assert_array_equal(result.data, cube)


def test_scale_of_zero(tmp_path, refused):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2))
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (0.0, 1.0)
    refused(lambda: read_cube(path), DataError, path, "scale [0.0, 1.0]")


@pytest.mark.parametrize(
    ("extra", "expected", "reflectance"),
    [
        ("reflectance scale factor = 10000", lambda cube: cube / 10000, True),
        ("data gain values = {2, 4}\ndata offset values = {1, 0}", lambda cube: cube * [2.0, 4.0] + [1.0, 0.0], False),
    ],
)
def test_scales_of_envi(tmp_path, extra, expected, reflectance):
    cube = make_cube(2)
    with open_cube(write_envi(tmp_path / "scene.img", cube, extra=extra + "\n")) as reader:
        np.testing.assert_allclose(reader.read().data, expected(cube), rtol=1e-6)
        assert reader.info.reflectance == reflectance


@pytest.mark.parametrize(
    ("values", "units"),
    [
        ((400, 500, 650, 700), "Micrometers"),
        ((0.4, 0.5, 0.65, 0.7), "Nanometers"),
        ((4e-7, 5e-7, 6.5e-7, 7e-7), "nm"),
    ],
)
def test_units_that_cannot_be_are_corrected(tmp_path, values, units):
    extra = (
        f"wavelength units = {units}\nwavelength = {{{', '.join(map(str, values))}}}\nfwhm = {{{values[0]}, 1, 1, 1}}\n"
    )
    path = write_envi(tmp_path / "scene.img", make_cube(4), extra=extra)
    with pytest.warns(DataWarning, match=r"scene\.img: wavelengths .* cannot be; taken as"):
        info = open_cube(path).info
    np.testing.assert_allclose(info.wavelengths, [400, 500, 650, 700], rtol=1e-9)
    assert info.fwhm[0] == pytest.approx(400)  # in the unit of the centres


@pytest.mark.parametrize(
    "values",
    ["4000, 5000, 6500, 7000", "0.0004, 0.0005, 0.00065, 0.0007", "0.4, 500, 650, 700", "1e300, 1e300, 1e300, 1e300"],
)
def test_units_that_cannot_be_told_are_refused(tmp_path, refused, values):
    extra = f"wavelength units = Micrometers\nwavelength = {{{values}}}\n"
    path = write_envi(tmp_path / "scene.img", make_cube(4), extra=extra)
    refused(lambda: read_cube(path), DataError, path, "expected 100 nm to 100", "wavelength units")


def test_numbers_of_bands_are_no_wavelengths(tmp_path):
    path = write_envi(tmp_path / "scene.img", make_cube(4), extra="wavelength = {1, 50, 100, 224}\n")
    with pytest.warns(DataWarning, match="read without wavelengths"):
        assert open_cube(path).info.wavelengths is None


def _sidecar(path, key, value):
    tag = f'<MDI key="{key}">{value}</MDI>'
    bands = "".join(f'<PAMRasterBand band="{band}"><Metadata>{tag}</Metadata></PAMRasterBand>' for band in range(1, 5))
    text = f'<PAMDataset><Metadata domain="ENVI">{tag}</Metadata><Metadata>{tag}</Metadata>{bands}</PAMDataset>'
    path.with_name(path.name + ".aux.xml").write_text(text)


def test_a_header_goes_before_a_sidecar(tmp_path):
    path = write_envi(tmp_path / "scene.img", make_cube(4), extra=_envi_lines(1e-3, "Micrometers"))
    _sidecar(path, "wavelength_units", "nm")
    _check(open_cube(path).info)


def test_a_geotiffs_own_tags_go_before_a_sidecar(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4), _tags(1e-3, "Micrometers"))
    _sidecar(path, "wavelength_units", "nm")
    _check(open_cube(path).info)


def test_a_sidecar_tells_what_the_file_does_not(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4))
    _sidecar(path, "bbl", "0")
    assert not open_cube(path).info.good_bands.any()


def test_envi_domain_of_a_band(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4))
    with rasterio.open(path, "r+") as dataset:
        for band, values in _tags().items():
            dataset.update_tags(band, ns="ENVI", **values)
    _check(open_cube(path).info)


def test_window_of_a_rotated_scene(tmp_path):
    rotated = Affine(3.0, 4.0, 1000.0, 4.0, -3.0, 2000.0)
    path = write_geotiff(tmp_path / "scene.tif", make_cube(1), transform=rotated)
    transform = read_cube(path, window=(2, 5, 1, 1)).transform
    # column 5, row 2: x = 1000 + 3·5 + 4·2, y = 2000 + 4·5 - 3·2
    assert transform == Affine(3.0, 4.0, 1023.0, 4.0, -3.0, 2014.0)
