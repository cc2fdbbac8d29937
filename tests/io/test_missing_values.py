"""Which pixels hold data, by what a raster declares; compared with what GDAL itself makes of the file."""

import numpy as np
import pytest
import rasterio
from cube_files import HEIGHT, WIDTH, make_cube, write_geotiff
from rasterio.enums import ColorInterp

from mmhsi.io import HSICube, open_cube, read_cube, read_label_map, write_cube

MASK = np.ones((HEIGHT, WIDTH), dtype=bool)
MASK[2:5, 3:9] = False


def _masked(path, internal, bands=3):
    write_geotiff(path, make_cube(bands, "float32"))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES" if internal else "NO"), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(MASK)
    return path


@pytest.mark.parametrize("internal", [True, False])
def test_masks_inside_and_beside_a_file(tmp_path, internal):
    path = _masked(tmp_path / "scene.tif", internal)
    assert (tmp_path / "scene.tif.msk").exists() != internal
    with open_cube(path) as reader:
        np.testing.assert_array_equal(reader.read().valid(), MASK)
        np.testing.assert_array_equal(reader.read((1, 2, 5, 4), [2]).valid(), MASK[1:6, 2:6])


def test_mask_and_nodata(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(3), nodata=7)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_mask(MASK)
    expected = MASK & (make_cube(3) != 7).all(axis=-1)
    assert expected.sum() < MASK.sum()
    np.testing.assert_array_equal(read_cube(path).valid(), expected)


@pytest.mark.parametrize(("bands", "alpha"), [(2, 1), (4, 3), (6, 5), (6, 2)])
def test_alpha_is_no_band(tmp_path, bands, alpha):
    values = make_cube(bands, "uint8")
    values[..., alpha] = MASK * 255
    others = [band for band in range(bands) if band != alpha]
    tags = {band + 1: {"wavelength": str(400 + number)} for number, band in enumerate(others)}
    path = write_geotiff(tmp_path / "scene.tif", values, tags, photometric="minisblack", alpha="no")
    with rasterio.open(path, "r+") as dataset:
        meanings = [ColorInterp.gray, *[ColorInterp.undefined] * (bands - 1)]
        meanings[alpha] = ColorInterp.alpha
        dataset.colorinterp = meanings
    with rasterio.open(path) as dataset:
        assert dataset.colorinterp[alpha] is ColorInterp.alpha
        if bands in (2, 4):  # of others rasterio takes no notice
            np.testing.assert_array_equal(dataset.dataset_mask() > 0, MASK)
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.data, values[..., others])
    np.testing.assert_array_equal(cube.valid(), MASK)
    assert cube.wavelengths.tolist() == [400 + band for band in range(bands - 1)]
    assert cube.good_bands.shape == (bands - 1,)


def test_a_band_with_a_wavelength_is_no_alpha(tmp_path):
    values = make_cube(4, "uint8")
    tags = {band: {"wavelength": str(400 + band)} for band in range(1, 5)}
    path = write_geotiff(tmp_path / "scene.tif", values, tags, photometric="minisblack", alpha="yes")
    cube = read_cube(path)
    np.testing.assert_array_equal(cube.data, values)
    assert cube.valid().all()


def test_four_bands_of_bytes_are_written_as_bands(tmp_path):
    values = make_cube(4, "uint8")
    write_cube(tmp_path / "scene.tif", HSICube(values))
    np.testing.assert_array_equal(read_cube(tmp_path / "scene.tif").data, values)


def _with_nodata_of_each_band(folder, cube, nodata):
    """A virtual raster, as GeoTIFF has one nodata value for all bands."""
    path = write_geotiff(folder / "plain.tif", cube)
    bands = "".join(
        f'<VRTRasterBand dataType="{"Int16" if cube.dtype == "int16" else "Float32"}" band="{band + 1}">'
        + ("" if value is None else f"<NoDataValue>{value}</NoDataValue>")
        + f'<SimpleSource><SourceFilename relativeToVRT="1">{path.name}</SourceFilename>'
        f"<SourceBand>{band + 1}</SourceBand></SimpleSource></VRTRasterBand>"
        for band, value in enumerate(nodata)
    )
    (folder / "scene.vrt").write_text(f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}">{bands}</VRTDataset>')
    return folder / "scene.vrt"


@pytest.mark.parametrize(("dtype", "nodata"), [("int16", (7, 700, None)), ("float32", (7, "nan", 700))])
def test_nodata_of_each_band(tmp_path, dtype, nodata):
    cube = make_cube(3, dtype)
    if dtype == "float32":
        cube[3, 3, 1] = np.nan
    path = _with_nodata_of_each_band(tmp_path, cube, nodata)
    expected = np.ones((HEIGHT, WIDTH), dtype=bool)
    for band, value in enumerate(nodata):
        if value is not None:
            expected &= cube[..., band] != float(value)
    expected &= np.isfinite(cube).all(axis=-1)
    with open_cube(path) as reader:
        np.testing.assert_array_equal(reader.read().valid(), expected)
        part = reader.read((0, 1, 4, 5), [2, 0]).valid()
    third = 700 if nodata[2] else None
    np.testing.assert_array_equal(part, ((cube[..., 0] != 7) & (cube[..., 2] != (third or -1)))[:4, 1:6])


def test_masks_of_each_band(tmp_path):
    path = write_geotiff(tmp_path / "plain.tif", make_cube(1, "int16"))
    write_geotiff(tmp_path / "mask.tif", (MASK * 255).astype("uint8")[..., None])
    source = (
        '<SimpleSource><SourceFilename relativeToVRT="1">{}</SourceFilename><SourceBand>1</SourceBand></SimpleSource>'
    )
    band = '<VRTRasterBand dataType="Int16" band="{}">' + source.format(path.name) + "{}</VRTRasterBand>"
    mask = f'<MaskBand><VRTRasterBand dataType="Byte">{source.format("mask.tif")}</VRTRasterBand></MaskBand>'
    text = band.format(1, mask) + band.format(2, "")
    (tmp_path / "scene.vrt").write_text(f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}">{text}</VRTDataset>')
    with open_cube(tmp_path / "scene.vrt") as reader:
        np.testing.assert_array_equal(reader.read().valid(), MASK)
        assert reader.read(bands=[1]).valid().all()


def test_a_cubes_mask_is_written(tmp_path):
    write_cube(tmp_path / "scene.tif", HSICube(make_cube(3), mask=MASK))
    cube = read_cube(tmp_path / "scene.tif")
    np.testing.assert_array_equal(cube.valid(), MASK)
    np.testing.assert_array_equal(cube.data, make_cube(3))


def test_bands_that_a_mask_empties():
    mask = np.ones((2, 3, 4), dtype=bool)
    mask[..., 2] = False
    cube = HSICube(np.ones((2, 3, 4)), mask=mask)
    assert cube.empty_bands() == [2]
    assert cube.select_bands([0, 3]).valid().all()


@pytest.mark.parametrize("internal", [True, False])
def test_masked_labels(tmp_path, internal):
    path = _masked(tmp_path / "gt.tif", internal, bands=1)
    stored = make_cube(1)[..., 0]
    np.testing.assert_array_equal(read_label_map(path, fill=-5), np.where(MASK, stored, -5))
