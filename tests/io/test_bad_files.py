"""Each bad file gives one line that names it and says what was expected."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import rasterio.shutil
import scipy.io
from cube_files import make_cube, write_envi, write_geotiff, write_mat73

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io import open_cube, read_cube, read_label_map

OPENERS = [read_cube, read_label_map]


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".img", ".mat", ".npy", ".xyz", ""])
@pytest.mark.parametrize(
    ("make", "word"), [(lambda path: None, "no such file"), (Path.mkdir, "folder"), (Path.touch, "empty")]
)
def test_nothing_to_read(tmp_path, refused, suffix, make, word):
    path = tmp_path / f"scene{suffix}"
    make(path)
    for read in OPENERS:
        refused(lambda read=read: read(path), FileFormatError, path, word, "expected a GeoTIFF")


@pytest.mark.parametrize("read", OPENERS)
@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".tif", "expected a GeoTIFF"),
        (".img", "expected a GeoTIFF"),
        (".xyz", "expected a GeoTIFF"),
        ("", "expected a GeoTIFF"),
        (".mat", "not a readable .mat file"),
        (".npy", "not a .npy file"),
    ],
)
def test_other_content(tmp_path, refused, read, suffix, words):
    path = tmp_path / f"scene{suffix}"
    path.write_bytes(b"this is a shopping list\n" * 40)
    refused(lambda: read(path), FileFormatError, path, words)


@pytest.mark.parametrize("compress", [{}, {"compress": "deflate"}])
@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_truncated_geotiff(tmp_path, refused, compress, interleave):
    noise = np.random.default_rng(0).integers(0, 30000, (64, 64, 8)).astype("int16")
    path = write_geotiff(tmp_path / "scene.tif", noise, interleave=interleave, **compress)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with open_cube(path) as reader:
        refused(reader.read, FileFormatError, path, "(0, 0, 64, 64)", "truncated")


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_truncated_envi(tmp_path, refused, interleave):
    path = write_envi(tmp_path / "scene.img", make_cube(4), interleave)
    size = 13 * 17 * 4 * 2
    for left in (size - 1, 100):  # of so little GDAL says no more than that it cannot open it
        path.write_bytes(path.read_bytes()[:left])
        refused(lambda: read_cube(path), FileFormatError, path, f"needs {size}", f"has {left} bytes")


@pytest.mark.parametrize("name", ["lines", "samples", "bands", "data type"])
def test_an_envi_header_that_was_cut(tmp_path, refused, name):
    header = write_envi(tmp_path / "scene.img", make_cube(4)).with_suffix(".hdr")
    header.write_text("".join(line for line in header.read_text().splitlines(True) if not line.startswith(name)))
    refused(lambda: read_cube(header), FileFormatError, header, f"is cut or lacks '{name}'")


@pytest.mark.parametrize("suffix", [".mat", ".npy"])
def test_truncated_array(tmp_path, refused, suffix):
    path = tmp_path / f"scene{suffix}"
    if suffix == ".npy":
        np.save(path, make_cube(32))
    else:
        scipy.io.savemat(path, {"scene": make_cube(32)})
    path.write_bytes(path.read_bytes()[:5000])
    refused(lambda: read_cube(path), FileFormatError, path, "it is cut: it has 5000 bytes")


@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_truncated_png(tmp_path, refused, kept):
    path, labels = tmp_path / "labels.png", np.random.default_rng(0).integers(0, 9, (80, 90), np.uint8)
    with rasterio.open(path, "w", driver="PNG", height=80, width=90, count=1, dtype="uint8") as file:
        file.write(labels, 1)
    assert (read_label_map(path) == labels).all()
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    refused(lambda: read_label_map(path), FileFormatError, path, "the file may be truncated")


def test_truncated_mat73(tmp_path, refused):
    path = write_mat73(tmp_path / "scene.mat", scene=make_cube(32))
    path.write_bytes(path.read_bytes()[:3000])
    refused(lambda: read_cube(path), FileFormatError, path, "not a readable HDF5 file: it is cut: it has 3000 of ")


@pytest.mark.parametrize("suffix", [".geojson", ".gpkg", ".csv", ".kml"])
def test_polygons_where_a_raster_is_expected(tmp_path, refused, suffix):
    path = tmp_path / f"fields{suffix}"
    path.write_text("not looked at")
    refused(lambda: read_cube(path), FileFormatError, path, "a raster is expected: it holds no cube")
    refused(lambda: read_label_map(path), FileFormatError, path, f"mmhsi labels CUBE {path.name} --out labels.tif")


def test_envi_header_without_data(tmp_path, refused):
    data = write_envi(tmp_path / "scene.img", make_cube(4))
    data.unlink()
    header = tmp_path / "scene.hdr"
    refused(lambda: read_cube(header), FileFormatError, header, "no data file", "scene.img", "scene.bip")


def test_envi_data_without_header(tmp_path, refused):
    path = write_envi(tmp_path / "scene.img", make_cube(4))
    path.with_suffix(".hdr").unlink()
    refused(lambda: read_cube(path), FileFormatError, path, "GDAL cannot open it")


@pytest.mark.parametrize("suffix", ["", ".img", ".dat", ".raw", ".bsq", ".bil", ".bip", ".IMG"])
def test_envi_data_file_names(tmp_path, suffix):
    cube = make_cube(4)
    data = write_envi(tmp_path / f"scene{suffix}", cube, "bip")
    np.testing.assert_array_equal(read_cube(data.with_suffix(".hdr")).data, cube)


def test_envi_data_file_named_in_full(tmp_path):
    cube = make_cube(4)
    write_envi(tmp_path / "scene.img", cube)
    header = (tmp_path / "scene.hdr").rename(tmp_path / "scene.img.hdr")
    np.testing.assert_array_equal(read_cube(header).data, cube)


def test_envi_header_without_byte_order_is_little_endian(tmp_path):
    cube = make_cube(4)
    path = write_envi(tmp_path / "scene.img", cube)
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace("byte order = 0\n", ""))
    np.testing.assert_array_equal(read_cube(path).data, cube)


def test_envi_header_offset(tmp_path):
    cube = make_cube(4)
    path = write_envi(tmp_path / "scene.img", cube)
    path.write_bytes(b"\xff" * 96 + path.read_bytes())
    header = path.with_suffix(".hdr")
    header.write_text(header.read_text().replace("header offset = 0", "header offset = 96"))
    np.testing.assert_array_equal(read_cube(path).data, cube)


def test_envi_header_that_is_damaged(tmp_path, refused):
    path = write_envi(tmp_path / "scene.img", make_cube(4)).with_suffix(".hdr")
    path.write_text(path.read_text().replace("samples = 17", "samples = seventeen"))
    refused(lambda: read_cube(path), FileFormatError, path)


def test_complex_raster(tmp_path, refused):
    path = write_envi(tmp_path / "scene.img", make_cube(4, "complex64"))
    refused(lambda: read_cube(path), DataError, path, "complex64", "expected real")


def test_bands_of_different_types(tmp_path, refused):
    write_geotiff(tmp_path / "a.tif", make_cube(1, "int16"))
    with rasterio.open(tmp_path / "a.tif") as dataset:
        rasterio.shutil.copy(dataset, tmp_path / "a.vrt", driver="VRT")
    text = (tmp_path / "a.vrt").read_text()
    band = text[text.index("  <VRTRasterBand") : text.index("</VRTDataset>")]
    second = band.replace('"Int16"', '"Float32"', 1).replace('band="1"', 'band="2"', 1)
    path = tmp_path / "b.vrt"
    path.write_text(text.replace("</VRTDataset>", second + "</VRTDataset>"))
    refused(lambda: read_cube(path), DataError, path, "different types", "float32, int16")


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.full((2, 3, 4), None), "objects"),
        (np.zeros((2, 3, 4), complex), "complex128"),
        (np.zeros((2, 3, 4), dtype=[("a", "i2"), ("b", "i2")]), "'a'"),
        (np.full((2, 3, 4), "x"), "U1"),
    ],
    ids=["object", "complex", "structured", "text"],
)
def test_npy_types(tmp_path, refused, array, word):
    path = tmp_path / "scene.npy"
    np.save(path, array, allow_pickle=True)
    refused(lambda: read_cube(path), DataError, path, word, "expected real numbers")


@pytest.mark.parametrize("shape", [(5,), (4, 5), (2, 3, 4, 5)])
def test_npy_axes(tmp_path, refused, shape):
    path = tmp_path / "scene.npy"
    np.save(path, np.zeros(shape))
    refused(lambda: read_cube(path), DataError, path, str(shape), "(H, W, C)")


def test_key_for_a_file_without_variables(tmp_path, refused):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(4))
    refused(lambda: read_cube(path, key="scene"), DataError, path, "'scene'", ".mat")


def test_complex_mat(tmp_path, refused):
    path = tmp_path / "scene.mat"
    scipy.io.savemat(path, {"scene": np.zeros((2, 3, 4), complex)})
    refused(lambda: read_cube(path), DataError, path, "complex128")
    with h5py.File(tmp_path / "scene73.mat", "w") as file:
        file["scene"] = np.zeros((4, 3, 2), complex)
    path = tmp_path / "scene73.mat"
    refused(lambda: read_cube(path, key="scene"), DataError, path, "holds no numbers")


def test_path_may_be_text(tmp_path):
    cube = make_cube(4)
    path = write_geotiff(tmp_path / "scene.tif", cube)
    result = read_cube(str(path))
    assert Path(result.name) == path
    np.testing.assert_array_equal(result.data, cube)


@pytest.mark.parametrize("value", ["{1, 2, 3}", "none", ""])
def test_an_envi_header_ignores_one_number(tmp_path, value):
    path = write_envi(tmp_path / "a.img", np.ones((3, 4, 3), np.int16), extra=f"data ignore value = {value}\n")
    with pytest.raises(FileFormatError, match=r"data ignore value = .*; expected one number"):
        read_cube(path)
