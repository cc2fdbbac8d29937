"""Published scenes, checked against what their authors say of them."""

import numpy as np
import pytest
import rasterio
import scipy.io

from mmhsi.errors import DataError
from mmhsi.io import open_cube, read_cube, read_label_map


def test_salinas_a(shared_data):
    cube = read_cube(shared_data / "salinas_a" / "SalinasA_corrected.mat")
    assert cube.data.shape == (83, 86, 204)
    assert cube.data.dtype == np.dtype("int16")
    assert (cube.data.min(), cube.data.max()) == (-9, 8373)
    labels = read_label_map(shared_data / "salinas_a" / "SalinasA_gt.mat")
    assert labels.shape == (83, 86)
    numbers, counts = np.unique(labels, return_counts=True)
    assert numbers.tolist() == [0, 1, 10, 11, 12, 13, 14]
    assert counts[1:].tolist() == [391, 1343, 616, 1525, 674, 799]


@pytest.mark.parametrize(
    ("file", "shape", "classes"),
    [("Indian_pines_gt", (145, 145), 16), ("PaviaU_gt", (610, 340), 9), ("Salinas_gt", (512, 217), 16)],
)
def test_classic_label_maps(shared_data, file, shape, classes):
    labels = read_label_map(shared_data / "classic_gt" / f"{file}.mat")
    assert labels.shape == shape
    assert np.unique(labels).tolist() == list(range(classes + 1))


def test_enmap_tile(shared_data):
    path = shared_data / "enmap_potsdam" / "images" / "enmap_potsdam_tile_128_0.tif"
    with open_cube(path) as reader:
        info = reader.info
        cube = reader.read()
        part = reader.read((8, 4, 16, 20), [223, 0])
    assert info.shape == (32, 32, 224)
    assert info.dtype == np.dtype("float32")
    assert np.isnan(info.nodata)  # the file's -32768 once its scale of 1/10000 is applied
    assert info.crs.to_epsg() == 32633
    assert info.transform.a == 30.0
    assert info.wavelengths is not None
    assert info.fwhm is not None
    assert (round(info.wavelengths[0]), round(info.wavelengths[-1])) == (418, 2446)
    assert info.fwhm[0] == pytest.approx(6.99561)
    assert int(info.good_bands.sum()) == 218
    assert np.flatnonzero(~info.good_bands).tolist() == [129, 130, 131, 132, 133, 134]
    # the bad bands are nodata everywhere, yet the scene is valid
    with rasterio.open(path) as dataset:
        stored = dataset.read().transpose(1, 2, 0)
        assert set(dataset.scales) == {0.0001}
    assert (stored[..., ~cube.good_bands] == -32768).all()
    assert np.isnan(cube.data[..., ~cube.good_bands]).all()
    good = cube.good_bands
    np.testing.assert_allclose(cube.data[..., good], stored[..., good] * 1e-4, rtol=1e-6)
    assert cube.valid().all()
    np.testing.assert_array_equal(part.data, cube.data[8:24, 4:24, [223, 0]])


def test_enmap_labels(shared_data):
    path = shared_data / "enmap_potsdam" / "labels" / "enmap_potsdam_tile_128_0.tif"
    with rasterio.open(path) as dataset:
        stored = dataset.read(1)
    assert stored.dtype == np.dtype("float32")
    labels = read_label_map(path)
    assert labels.dtype == np.int64
    assert set(np.unique(labels)) <= set(range(7))
    np.testing.assert_array_equal(labels, stored)


def test_houston(shared_data):
    path = shared_data / "houston2018_crop" / "houston_dataset.mat"
    scene = read_cube(path, key="hyprImg")
    assert scene.data.shape == (128, 128, 48)
    assert scene.data.dtype == np.dtype("uint16")
    assert read_cube(path, key="rgbImg", window=(500, 500, 12, 12)).data.shape == (12, 12, 3)
    labels = read_label_map(path)
    assert labels.shape == (512, 512)
    assert np.unique(labels).tolist() == list(range(13))


def test_abu(shared_data):
    path = shared_data / "abu" / "abu-airport-2.mat"
    with open_cube(path) as reader:
        assert reader.info.shape == (100, 100, 205)
        assert reader.info.dtype == np.dtype("uint16")
        np.testing.assert_array_equal(
            reader.read((10, 20, 30, 40), [204]).data[..., 0], reader.read().data[10:40, 20:60, 204]
        )


SENSORS = {
    "AV320250308t200738_rdn.img": dict(wavelengths=(389.75, 2494.0)),
    "emit20250324t221005_jpl_unmix_ex": dict(wavelengths=(381.0055927, None), nodata=-9999),
    "Radiometric_8x2_1x1.dat": dict(wavelengths=(379.87, 2503.73)),
    "darkReference": dict(wavelengths=(379.027, None)),
    "M3_4030seg_L2_aristcrater.tif": dict(wavelengths=(540.840027, 2976.199951), nodata=-999),
    "frt0000932c_07_if164j_mtr3_subsampled.tif": dict(nodata=65535),
    "HySpex_sub_area1.tif": dict(),
    "PRS_L2D_STD_20191215092453_20191215092457_0003.tif": dict(),
    "ENMAP01-____L2A-DT0000004950_20221103T162438Z_001_V010110_20221118T145147Z"
    "-Y01460273_X05670694-SPECTRAL_IMAGE.TIF": dict(nodata=-32768),
}


@pytest.mark.filterwarnings("ignore::mmhsi.errors.DataWarning")
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("name", list(SENSORS))
def test_files_of_sensors(shared_data, name):
    path, said = shared_data / "sensors" / name, SENSORS[name]
    with rasterio.open(path) as dataset:
        stored, scales = dataset.read().transpose(1, 2, 0), np.array(dataset.scales)
        place = (dataset.crs, None if dataset.transform.is_identity else dataset.transform)
    with open_cube(path) as reader:
        info, cube = reader.info, reader.read()
    assert info.shape == stored.shape
    assert (info.crs, info.transform) == place
    assert (scales == 1).all()
    np.testing.assert_array_equal(cube.data, stored)
    first, last = said.get("wavelengths", (None, None))
    assert (info.wavelengths is None) == (first is None)
    if first is not None:
        assert info.wavelengths[0] == pytest.approx(first)
    if last is not None:
        assert info.wavelengths[-1] == pytest.approx(last)
    expected = np.isfinite(stored) & (stored != said.get("nodata", np.inf))
    np.testing.assert_array_equal(cube.valid(), expected[..., info.good_bands].all(axis=-1))


def test_raw_files_of_sensors_by_hand(shared_data):
    """As their headers say it, read without GDAL: Specim's and EMIT's are line-interleaved floats."""
    folder = shared_data / "sensors"
    lines = np.fromfile(folder / "Radiometric_8x2_1x1.dat", "<f4").reshape(1, 363, 384)
    np.testing.assert_array_equal(read_cube(folder / "Radiometric_8x2_1x1.hdr").data, lines.transpose(0, 2, 1))
    lines = np.fromfile(folder / "emit20250324t221005_jpl_unmix_ex", "<f4").reshape(10, 285, 10)
    np.testing.assert_array_equal(read_cube(folder / "emit20250324t221005_jpl_unmix_ex").data, lines.transpose(0, 2, 1))
    lines = np.fromfile(folder / "darkReference", "<u2").reshape(1, 978, 1600)
    np.testing.assert_array_equal(read_cube(folder / "darkReference").data, lines.transpose(0, 2, 1))


def test_salton_sea(shared_data):
    path = shared_data / "sensors" / "salton_sea_roi.mat"
    with pytest.raises(DataError, match=r"2 variables.*I \(51x56x224 double\), rgb \(51x56x3 uint8\)"):
        read_cube(path)
    variables = scipy.io.loadmat(path)
    stored = variables["I"]
    cube = read_cube(path, key="I")
    np.testing.assert_array_equal(cube.data, stored)
    np.testing.assert_array_equal(cube.good_bands, variables["bbl"][0] == 1)
    np.testing.assert_allclose(cube.wavelengths, variables["wl"][0] * 1000)  # in µm
    np.testing.assert_array_equal(cube.valid(), np.isfinite(stored[..., cube.good_bands]).all(axis=-1))


def test_matlab_files_as_scipy_reads_them(shared_data):
    for path in sorted(shared_data.glob("*/*.mat")):
        for name, shape, _ in scipy.io.whosmat(path):
            if len(shape) != 3:
                continue
            np.testing.assert_array_equal(read_cube(path, key=name).data, scipy.io.loadmat(path)[name])
