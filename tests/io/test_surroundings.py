"""What lies beside a raster or is named by it: pipes, servers, other drivers; and pages."""

import os

import numpy as np
import pytest
import rasterio
from cube_files import HEIGHT, WIDTH, make_cube, write_envi, write_geotiff

from mmhsi.errors import DataError, DataWarning, FileFormatError
from mmhsi.io import open_cube, read_cube, read_label_map


def _vrt(folder, source, relative="1", more=""):
    band = (
        f'<VRTRasterBand dataType="Int16" band="1"><SimpleSource><SourceFilename relativeToVRT="{relative}">{source}'
        f"</SourceFilename><SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>{more}"
    )
    text = f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}">{band}</VRTDataset>'
    (folder / "scene.vrt").write_text(text)
    return folder / "scene.vrt"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such pipes")
@pytest.mark.parametrize(
    "name",
    [
        "scene.hdr",
        "scene.tif.hdr",
        "scene.aux.xml",
        "scene.tif.msk",
        "scene.TIF.MSK",
        "scene.tif.ovr",
        "scene.wld",
        "scene.tfw",
        "scene.prj",
        "scene.IMD",
        "scene_RPC.TXT",
        "summary.txt",
        "scene.xml",
        "scene.json",
    ],
)
def test_a_pipe_beside_a_raster(tmp_path, name):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2))
    read_cube(path)
    os.mkfifo(tmp_path / name)
    with pytest.raises(FileFormatError, match="pipe or a device"):
        read_cube(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such devices")
def test_a_link_to_a_device_beside_a_raster(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2))
    (tmp_path / "scene.tif.aux.xml").symlink_to("/dev/zero")
    with pytest.raises(FileFormatError, match="pipe or a device"):
        read_cube(path)


INDEX = "<GDALTileIndexDataset><IndexDataset>/vsicurl/http://192.0.2.1/a.gpkg</IndexDataset></GDALTileIndexDataset>"
SERVICE = '<GDAL_WMS><Service name="TMS"><ServerUrl>http://192.0.2.1/</ServerUrl></Service></GDAL_WMS>'
OTHERS = [INDEX, SERVICE, "<MRF_META><Raster/></MRF_META>", '{"stac_version": "1.0.0"}', "SQLite format 3\0"]


@pytest.mark.parametrize("content", [*OTHERS, "{\x05\xa9\x04", " \n<\0\x01"])
@pytest.mark.parametrize("name", ["scene.tif", "scene.img", "scene"])
def test_raw_values_that_look_like_other_drivers_files(tmp_path, content, name):
    """One raw file in a hundred begins with the byte of < or of {: beside a header the bytes are values."""
    path = write_envi(tmp_path / name, make_cube(1))
    stored = content.ljust(HEIGHT * WIDTH * 2).encode("latin-1")
    path.write_bytes(stored)
    expected = np.frombuffer(stored, "<i2").reshape(HEIGHT, WIDTH, 1)
    np.testing.assert_array_equal(read_cube(path).data, expected)
    path.with_suffix(".hdr").unlink()
    with pytest.raises(FileFormatError, match="GDAL cannot open it"):
        read_cube(path)


@pytest.mark.parametrize("content", OTHERS)
@pytest.mark.parametrize("name", ["scene.tif.msk", "scene.tif.ovr", "scene.aux"])
def test_sidecars_of_other_drivers(tmp_path, content, name):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(1))
    (tmp_path / name).write_text(content)
    with pytest.raises(FileFormatError, match="is no GeoTIFF"):
        read_cube(path)


@pytest.mark.parametrize("start", ["{\x05\xa9\x04", " \n<\0\x01", "<GDAL_W\0MS>", "{" * 7, "<\x1fGDAL_WMS>"])
def test_raw_sources_that_begin_like_text(tmp_path, start):
    path = write_envi(tmp_path / "source.img", make_cube(1))
    stored = start.encode("latin-1").ljust(HEIGHT * WIDTH * 2, b"\0")
    path.write_bytes(stored)
    expected = np.frombuffer(stored, "<i2").reshape(HEIGHT, WIDTH, 1)
    np.testing.assert_array_equal(read_cube(_vrt(tmp_path, "source.img")).data, expected)
    path.with_suffix(".hdr").unlink()
    with pytest.raises(FileFormatError, match="no format that is read"):
        read_cube(_vrt(tmp_path, "source.img"))


@pytest.mark.parametrize("content", [*OTHERS, f"{SERVICE}\0\0", '\n \t{"a": 1}', "{" * 8])
@pytest.mark.parametrize("header", [False, True])
def test_sources_of_other_drivers(tmp_path, content, header):
    if header:
        write_envi(tmp_path / "source.tif", make_cube(1))
    (tmp_path / "source.tif").write_text(content)
    path = _vrt(tmp_path, "source.tif")
    with pytest.raises(FileFormatError, match="no format that is read"):
        read_cube(path)


@pytest.mark.parametrize(
    "source",
    [
        "/vsicurl/http://192.0.2.1/a.tif",
        "/vsizip/a.zip/a.tif",
        "http://192.0.2.1/a.tif",
        "NETCDF:a.nc:b",
        "gone.tif",
        "/dev/zero",
        "ZARR:/vsicurl/http://192.0.2.1/a",
        "",
        "&#47;vsicurl/http://192.0.2.1/a.tif",
        "scene.vrt",
    ],
)
@pytest.mark.parametrize("relative", ["0", "1"])
def test_sources_elsewhere(tmp_path, source, relative):
    with pytest.raises(FileFormatError):
        read_cube(_vrt(tmp_path, source, relative))


def test_a_good_virtual_raster(tmp_path):
    write_geotiff(tmp_path / "source.tif", make_cube(1))
    np.testing.assert_array_equal(read_cube(_vrt(tmp_path, "source.tif")).data, make_cube(1))
    np.testing.assert_array_equal(read_cube(_vrt(tmp_path, tmp_path / "source.tif", "0")).data, make_cube(1))


def test_overviews_elsewhere(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(1))
    (tmp_path / "scene.tif.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">/vsicurl/http://192.0.2.1/a</MDI></Metadata>'
        "</PAMDataset>"
    )
    with pytest.raises(FileFormatError, match="refers to another file"):
        read_cube(path)


def test_pages(tmp_path, refused):
    path = tmp_path / "pages.tif"
    for page in range(3):
        profile = dict(driver="GTiff", height=13, width=17, count=1, dtype="int16")
        with rasterio.open(path, "w", **profile, **({"APPEND_SUBDATASET": "YES"} if page else {})) as dataset:
            dataset.write(make_cube(1)[..., 0] + page, 1)
    for read in (read_cube, read_label_map):
        refused(lambda read=read: read(path), DataError, path, "holds 3 pages", "key='1'")
    np.testing.assert_array_equal(read_cube(path, key="2").data, make_cube(1) + 1)
    with pytest.raises(DataError):
        read_cube(path, key="4")
    with pytest.raises(DataError, match="key 'cube' names"):
        read_cube(path, key="cube")


def test_overviews_are_no_pages(tmp_path):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2))
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2])
    np.testing.assert_array_equal(read_cube(path).data, make_cube(2))


def test_control_points_do_not_vanish_silently(tmp_path):
    points = [rasterio.control.GroundControlPoint(row, col, 8 + col, 50 - row) for row in (0, 12) for col in (0, 16)]
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2), transform=None, crs=None)
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = (points, rasterio.CRS.from_epsg(4326))
    with pytest.warns(DataWarning, match="4 ground control points instead of a transform"):
        open_cube(path).info  # noqa: B018


@pytest.mark.parametrize(("missing", "words"), [("crs", "no coordinate system"), ("transform", "but no transform")])
def test_half_a_place(tmp_path, missing, words):
    path = write_geotiff(tmp_path / "scene.tif", make_cube(2), **{missing: None})
    with pytest.warns(DataWarning, match=words):
        open_cube(path).info  # noqa: B018
