"""What every format has in common: windows and bands equal numpy slicing of the array that was written."""

import itertools
import multiprocessing
import pickle
import warnings

import numpy as np
import pytest
from cube_files import make_cube, write_envi, write_geotiff, write_npy
from processes import SECONDS
from rasterio.env import get_gdal_config

from mmhsi.errors import DataError
from mmhsi.io import gdal, open_cube, read_cube
from mmhsi.io.readers.open_raster import open_raster


@pytest.mark.parametrize("bands", [1, 430])
def test_whole_scene(tmp_path, write_format, bands):
    cube = make_cube(bands)
    path = write_format(tmp_path, cube)
    with open_cube(path) as reader:
        assert reader.info.shape == cube.shape
        assert reader.info.dtype == np.dtype("int16")
        assert reader.info.name == str(path)
        result = reader.read()
    np.testing.assert_array_equal(result.data, cube)
    assert result.data.dtype == np.dtype("int16")
    assert result.data.dtype.isnative
    assert result.data.flags.c_contiguous
    assert result.data.flags.writeable
    assert result.name == str(path)
    assert result.good_bands.all()
    assert result.wavelengths is None


def test_types(tmp_path, write_format):
    for dtype in ("uint8", "uint16", "float32", "float64"):
        cube = make_cube(5, dtype)
        result = read_cube(write_format(tmp_path, cube)).data
        assert result.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(result, cube)


WINDOWS = [None, (0, 0, 1, 1), (3, 5, 4, 6), (12, 16, 1, 1), (0, 0, 13, 17), (5, 0, 8, 17)]
BANDS = [None, [0], [31], [4, 5, 6], [9, 2, 30], [7, 7, 1]]


def test_window_and_bands(tmp_path, write_format):
    cube = make_cube(32)
    with open_cube(write_format(tmp_path, cube)) as reader:
        for window, bands in itertools.product(WINDOWS, BANDS):
            row0, col0, height, width = window or (0, 0, 13, 17)
            area = cube[row0 : row0 + height, col0 : col0 + width]
            result = reader.read(window, bands).data
            np.testing.assert_array_equal(result, area if bands is None else area[:, :, bands])
            assert result.flags.c_contiguous
            assert result.flags.writeable


@pytest.mark.parametrize(
    "window", [(0, 0, 14, 1), (0, 10, 1, 8), (-1, 0, 2, 2), (0, -1, 2, 2), (2, 2, 0, 1), (13, 0, 1, 1)]
)
def test_window_outside_the_scene(tmp_path, refused, window):
    path = write_npy(tmp_path / "scene.npy", make_cube(4))
    refused(lambda: read_cube(path, window=window), DataError, path, str(window), "13 x 17 pixels")


@pytest.mark.parametrize("window", [(0, 0, 1), (0, 0, 1.5, 1), (0, 0, "2", 1)])
def test_window_that_is_none(tmp_path, refused, window):
    path = write_npy(tmp_path / "scene.npy", make_cube(4))
    refused(lambda: read_cube(path, window=window), DataError, path, "window")


@pytest.mark.parametrize("bands", [[4], [-1], [], [0.0]])
def test_bands_that_are_not_there(tmp_path, refused, bands):
    path = write_npy(tmp_path / "scene.npy", make_cube(4))
    refused(lambda: read_cube(path, bands=bands), DataError, path, "bands")


def test_what_is_read_belongs_to_the_caller(tmp_path, write_format):
    cube = make_cube(4)
    with open_cube(write_format(tmp_path, cube)) as reader:
        reader.read().data[:] = 0
        reader.read().good_bands[:] = False
        again = reader.read()
    np.testing.assert_array_equal(again.data, cube)
    assert again.good_bands.all()


def test_data_outlives_the_reader(tmp_path, write_format):
    cube = make_cube(4)
    path = write_format(tmp_path, cube)
    with open_cube(path) as reader:
        result = reader.read()
    path.unlink()
    np.testing.assert_array_equal(result.data, cube)


def test_pickled_reader_reads_the_same(tmp_path, write_format):
    cube = make_cube(32)
    with open_cube(write_format(tmp_path, cube)) as reader:
        reader.read()
        pickled = pickle.dumps(reader)
        assert len(pickled) < cube.nbytes / 2  # the file's path travels, its values do not
        with pickle.loads(pickled) as copy:
            np.testing.assert_array_equal(copy.read((2, 3, 4, 5), [6, 1]).data, cube[2:6, 3:8, [6, 1]])


def _child_reads(reader, rows, queue):
    queue.put([reader.read((row, 0, 1, 17)).data for row in rows])


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_processes_read_beside_each_other(tmp_path, write_format):
    cube = make_cube(32)
    context = multiprocessing.get_context("fork")
    rows = [row for _ in range(20) for row in range(13)]
    with open_cube(write_format(tmp_path, cube)) as reader:
        reader.read((0, 0, 1, 1))
        queue = context.Queue()
        children = [context.Process(target=_child_reads, args=(reader, rows, queue)) for _ in range(2)]
        for child in children:
            child.start()
        results = [[reader.read((row, 0, 1, 17)).data for row in rows], *(queue.get(timeout=SECONDS) for _ in children)]
        for child in children:
            child.join(SECONDS)
            assert child.exitcode == 0
    for result in results:
        np.testing.assert_array_equal(np.concatenate(result), np.tile(cube, (20, 1, 1)))


def test_closed_reader_opens_again(tmp_path, write_format):
    cube = make_cube(4)
    reader = open_cube(write_format(tmp_path, cube))
    reader.close()
    reader.close()
    np.testing.assert_array_equal(reader.read().data, cube)
    reader.close()


def test_no_warning_about_a_missing_georeference(tmp_path):
    path = write_envi(tmp_path / "scene.img", make_cube(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cube = read_cube(path, window=(1, 1, 2, 2))
    assert cube.crs is None
    assert cube.transform is None


def test_the_programs_own_warning_filters_stay(tmp_path):
    path = write_envi(tmp_path / "scene.img", make_cube(4))
    before = list(warnings.filters)
    read_cube(path)
    assert list(warnings.filters) == before


def test_other_warnings_of_rasterio_are_not_hidden(tmp_path, monkeypatch):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4))

    def noisy_open(*args):
        warnings.warn("something else", UserWarning, stacklevel=1)
        return open_raster(*args)

    monkeypatch.setattr("mmhsi.io.readers.raster.open_raster", noisy_open)
    with pytest.warns(UserWarning, match="something else"):
        read_cube(path)


def test_rows_of_blocks_stay_in_the_cache_while_bands_of_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(gdal, "CACHE", 1 << 16)
    monkeypatch.setattr(gdal, "_NEEDED", {})
    values = np.zeros((512, 300, 5), np.uint16)
    path = write_geotiff(tmp_path / "a.tif", values, tiled=True, blockxsize=256, blockysize=256, interleave="band")

    def cache():
        with gdal.local_files():
            return int(get_gdal_config("GDAL_CACHEMAX"))

    with open_cube(path) as reader:
        reader.read((0, 10, 64, 64))
        assert cache() == 1 << 16
        reader.read((0, 0, 32, 300))
        assert 256 * 512 * 5 * 2 <= cache() < 2 * 256 * 512 * 5 * 2
    assert cache() == 1 << 16
