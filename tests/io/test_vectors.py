"""Vector files are read and drawn as a second way of reading says."""

import json
import os
import struct

import numpy as np
import pytest
from affine import Affine
from pyogrio.raw import write
from rasterio.crs import CRS
from rasterio.features import rasterize
from rasterio.warp import transform_geom

from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.placement import Grid
from mmhsi.io.rasterize import burn
from mmhsi.io.vectors import is_vector, read_vector
from mmhsi.progress import listening

UTM = CRS.from_epsg(32633)
GRID = Grid((40, 50), UTM, Affine(30, 0, 300_000, 0, -30, 5_800_000), "cube.tif")
NOWHERE = Grid((40, 50), None, None, "lab.hdr")


def polygon(*points, z=False):
    """Well-known binary of a ring, with heights if asked for."""
    places = np.array([(*point, 7.0) if z else point for point in points], dtype=float)
    return struct.pack("<BIII", 1, 1003 if z else 3, 1, len(points)) + places.tobytes()


def square(x, y, side):
    return polygon((x, y), (x + side, y), (x + side, y - side), (x, y - side), (x, y))


def on_map(column, row):
    return 300_000.0 + 30 * column, 5_800_000.0 - 30 * row


def gis_file(path, geometries, values, crs="EPSG:32633", kind="Polygon", **options):
    drivers = {".gpkg": "GPKG", ".shp": "ESRI Shapefile", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}
    column = np.array(values, dtype=object if isinstance(values[0], str | None) else None)
    write(
        str(path),
        np.array(geometries, dtype=object),
        [column],
        ["class"],
        geometry_type=kind,
        crs=crs,
        driver=drivers[path.suffix],
        **options,
    )
    return path


def burned(path, grid=GRID, all_touched=False, **options):
    vector = read_vector(path, **options)
    names = sorted({value for value in vector.values if value})
    codes = np.array([names.index(value) + 1 if value else 0 for value in vector.values], dtype=np.int32)
    return burn(vector, codes, grid, all_touched)


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".fgb", ".geojson"])
@pytest.mark.parametrize("all_touched", [False, True])
def test_formats_and_rules_agree_with_rasterio_by_hand(tmp_path, suffix, all_touched):
    rings = [
        [on_map(3.2, 4.1), on_map(17.9, 6.3), on_map(11.4, 21.7), on_map(3.2, 4.1)],
        [on_map(30.1, 8.2), on_map(44.6, 12.9), on_map(38.2, 33.3), on_map(26.0, 25.5), on_map(30.1, 8.2)],
    ]
    lonlat = [transform_geom(UTM, "EPSG:4326", {"type": "Polygon", "coordinates": [ring]}) for ring in rings]
    geometries = [polygon(*shape["coordinates"][0]) for shape in lonlat]
    path = gis_file(tmp_path / f"drawn{suffix}", geometries, ["Wald", "Wasser"], "EPSG:4326")
    result = burned(path, all_touched=all_touched)
    expected = rasterize(
        [(transform_geom("EPSG:4326", UTM, shape), index) for index, shape in enumerate(lonlat, 1)],
        GRID.shape,
        transform=GRID.transform,
        all_touched=all_touched,
    )
    np.testing.assert_array_equal(result.codes, expected)
    assert (result.codes == 1).sum() > 80
    assert result.losses() == []


def test_a_pixel_belongs_to_the_polygon_that_holds_its_centre(tmp_path):
    x, y = on_map(2.4, 3.6)
    path = gis_file(tmp_path / "a.gpkg", [square(x, y, 90)], ["a"])  # columns 2.4 to 5.4, rows 3.6 to 6.6
    expected = np.zeros(GRID.shape)
    expected[4:7, 2:5] = 1
    np.testing.assert_array_equal(burned(path).codes, expected)


def test_holes_heights_and_parts(tmp_path):
    outline = np.array([on_map(0, 0), on_map(10, 0), on_map(10, 10), on_map(0, 10), on_map(0, 0)])
    hole = np.array([on_map(2, 2), on_map(4, 2), on_map(4, 4), on_map(2, 4), on_map(2, 2)])
    holed = struct.pack("<BIII", 1, 3, 2, 5) + outline.tobytes() + struct.pack("<I", 5) + hole.tobytes()
    raised = polygon(*(on_map(*at) for at in ((20, 20), (22, 20), (22, 22), (20, 22), (20, 20))), z=True)
    both = struct.pack("<BII", 1, 6, 2) + holed + square(*on_map(30, 30), 30)
    path = gis_file(tmp_path / "a.gpkg", [both, raised], ["a", "b"], kind="Unknown")
    result = burned(path)
    expected = np.zeros(GRID.shape)
    expected[:10, :10] = 1
    expected[2:4, 2:4] = 0
    expected[30, 30] = 1
    expected[20:22, 20:22] = 2
    np.testing.assert_array_equal(result.codes, expected)
    assert result.polygons[0, 0] == result.polygons[30, 30] != result.polygons[20, 20]


def test_points_and_lines(tmp_path):
    point = struct.pack("<BIdd", 1, 1, *on_map(7.9, 3.1))
    line = struct.pack("<BII", 1, 2, 2) + np.array([on_map(10.5, 5.5), on_map(14.5, 5.5)]).tobytes()
    path = gis_file(tmp_path / "a.gpkg", [point, line], ["a", "b"], kind="Unknown")
    expected = np.zeros(GRID.shape)
    expected[3, 7] = 1
    expected[5, 10:15] = 2
    np.testing.assert_array_equal(burned(path).codes, expected)


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_what_is_lost_is_counted(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("mmhsi.io.rasterize.AT_ONCE", at_once)
    shapes = [
        square(*on_map(0, 0), 300),  # a, 100 pixels
        square(*on_map(5, 0), 300),  # a, shares 50 of them
        square(*on_map(14, 0), 60),  # b, shares 2 with the second
        square(*on_map(45, 0), 600),  # b, reaches beyond
        square(*on_map(60, 0), 300),  # b, outside
        square(*on_map(30.6, 30.6), 5),  # b, holds no centre
        square(*on_map(20, 20), 60),  # no class
    ]
    path = gis_file(tmp_path / "a.gpkg", shapes, ["a", "a", "b", "b", "b", "b", None])
    heard = []
    with listening(lambda *told: heard.append(told)):
        result = burned(path)
    parts = -(-5 // at_once)  # one of the six lies outside
    first = "drawing the labels, pass 1"
    assert [told for told in heard if told[0] == first] == [(first, part, parts) for part in range(parts)]
    assert (result.features, result.unnamed, result.outside, result.cut, result.slivers) == (6, 1, 1, 1, 1)
    assert (result.overlapping, result.conflicting) == (50, 2)
    assert result.codes[0, 14] == 0
    assert result.codes[0, 15] == 2
    assert len(np.unique(result.polygons[:2, :16])) == 1, "features that share pixels are one"
    assert result.polygons[0, 45] != result.polygons[0, 0]


def test_csv_points_by_row_by_map_and_by_longitude(tmp_path):
    from rasterio.warp import transform

    x, y = on_map(7.5, 3.5)
    (lon,), (lat,) = transform(UTM, "EPSG:4326", [x], [y])
    for name, head, row in (
        ("rows", "row;column;class", "3;7;a"),
        ("map", "X,Y,class", f"{x},{y},a"),
        ("globe", "class,lat,lon", f"a,{lat},{lon}"),
        ("phone", "lng,Lat,class", f"{lon},{lat},a"),
        ("survey", "sep=;\nEasting;Northing;class", f"{x};{y};a".replace(".", ",")),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"{head}\n{row}\n")
        result = burned(path)
        assert np.argwhere(result.codes).tolist() == [[3, 7]], name


def test_a_shapefile_without_its_other_files(tmp_path):
    path = gis_file(tmp_path / "a.shp", [square(*on_map(0, 0), 60)] * 2, ["Wälder", "море"], encoding="UTF-8")
    (tmp_path / "a.cpg").unlink()  # which says that it is in UTF-8
    assert read_vector(path).values == ["Wälder", "море"]
    latin = gis_file(tmp_path / "b.shp", [square(*on_map(0, 0), 60)], ["Wälder"], encoding="ISO-8859-1")
    (tmp_path / "b.cpg").unlink(missing_ok=True)
    assert read_vector(latin).values == ["Wälder"]
    (tmp_path / "a.shx").unlink()
    (tmp_path / "a.dbf").unlink()
    with pytest.raises(FileFormatError, match=r"several files; a\.shx and a\.dbf must lie beside it"):
        read_vector(path)


@pytest.mark.parametrize("down", [1, -1])
def test_without_crs_coordinates_are_pixels(tmp_path, down):
    ring = [(2, 3), (5, 3), (5, 6), (2, 6), (2, 3)]
    path = gis_file(tmp_path / "a.gpkg", [polygon(*((x, down * y) for x, y in ring))], ["a"], crs=None)
    expected = np.zeros(NOWHERE.shape)
    expected[3:6, 2:5] = 1
    np.testing.assert_array_equal(burned(path, NOWHERE).codes, expected)
    geojson = gis_file(tmp_path / "a.geojson", [polygon(*ring)], ["a"], crs=None)
    np.testing.assert_array_equal(burned(geojson, NOWHERE).codes, expected)


def test_names_of_any_script_are_one_however_they_are_written(tmp_path):
    path = gis_file(tmp_path / "a.gpkg", [square(*on_map(0, 0), 60)] * 3, ["Gewa\u0308sser ", "Gewässer", "水体"])
    assert read_vector(path).values == ["Gewässer", "Gewässer", "水体"]


def test_numbers_stay_numbers(tmp_path):
    path = gis_file(tmp_path / "a.gpkg", [square(*on_map(0, 0), 60)] * 2, [3, 12])
    assert read_vector(path).values == ["3", "12"]
    assert read_vector(path).numeric


BAD = struct.pack("<BIII", 1, 3, 1, 3) + np.array([on_map(0, 0), on_map(9, 0), on_map(0, 0)]).tobytes()


@pytest.mark.parametrize(
    ("geometry", "crs", "grid", "said"),
    [
        (square(*on_map(900, 0), 300), "EPSG:32633", GRID, "no feature with a class lies on cube.tif"),
        (BAD, "EPSG:32633", GRID, "feature 1 (a): it has a ring of 3 points"),
        (square(*on_map(0, 0), 60), None, GRID, "has no coordinate system, cube.tif has EPSG:32633"),
        (square(*on_map(0, 0), 60), "EPSG:32633", NOWHERE, "but lab.hdr has no coordinate system"),
        (square(*on_map(0.6, 0.6), 5), "EPSG:32633", GRID, "none of its features holds a pixel"),
    ],
)
def test_bad_input_is_one_line(tmp_path, geometry, crs, grid, said):
    path = gis_file(tmp_path / "a.gpkg", [geometry], ["a"], crs)
    with pytest.raises(DataError) as caught:
        burned(path, grid)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("named", "known"),
    [
        (dict(type="name", properties=dict(name="urn:ogc:def:crs:OGC:1.3:CRS84")), True),
        (dict(type="name", properties=dict(name="EPSG:4326")), True),
        (None, True),
        (dict(type="name", properties=dict(name="EPSG:99999")), False),
        (dict(type="link", properties=dict(href="http://192.0.2.1/crs", type="proj4")), False),
    ],
)
def test_a_system_that_is_not_known_is_not_taken_for_wgs84(tmp_path, named, known):
    point = dict(type="Feature", properties={"class": "a"}, geometry=dict(type="Point", coordinates=[13.0, 52.0]))
    text = json.dumps(dict(type="FeatureCollection", features=[point], crs=named))
    (tmp_path / "a.geojson").write_text(text)
    if known:
        assert read_vector(tmp_path / "a.geojson").crs.to_epsg() == 4326
        return
    with pytest.raises(DataError, match="names a coordinate system that is not known"):
        read_vector(tmp_path / "a.geojson")


def test_a_missing_field_or_layer_names_the_nearest(tmp_path):
    path = gis_file(tmp_path / "a.gpkg", [square(*on_map(0, 0), 60)], ["a"], layer="fields")
    with pytest.raises(DataError, match="nearest: 'class'"):
        read_vector(path, "clas")
    with pytest.raises(DataError, match="nearest: 'fields'"):
        read_vector(path, layer="field")
    gis_file(path, [square(*on_map(0, 0), 60)], ["a"], layer="more", append=True)
    with pytest.raises(DataError, match="has 2 layers, name one of"):
        read_vector(path)


def test_no_other_driver_sees_a_file(tmp_path):
    for name, text in (
        ("a.gpkg", "<OGRVRTDataSource/>"),
        ("a.shp", "<OGRVRTDataSource/>"),
        ("a.geojson", "<kml/>"),
        ("a.kml", "<kml/>"),
        ("a.geojson", json.dumps({"type": "Topology", "objects": {}})),
        ("a.fgb", "fgb\x03\x66"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(FileFormatError) as caught:
            read_vector(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(FileFormatError, match="no such file"):
        read_vector("/vsicurl/http://127.0.0.1/a.gpkg")
    folder = tmp_path / "piped"
    folder.mkdir()
    gis_file(folder / "a.shp", [square(*on_map(0, 0), 60)], ["a"])
    (folder / "a.dbf").unlink()
    if os.name != "nt":  # has no such pipes
        os.mkfifo(folder / "a.dbf")
        with pytest.raises(FileFormatError, match="pipe"):
            read_vector(folder / "a.shp")


@pytest.mark.parametrize("kept", [0.4, 0.99])
def test_a_shapefile_that_was_cut(tmp_path, kept):
    path = gis_file(tmp_path / "a.shp", [square(*on_map(0, 0), 60)] * 9, ["a"] * 9)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(FileFormatError, match=rf"it is cut: it has {path.stat().st_size} of {len(content)} bytes"):
        read_vector(path)


def test_a_file_without_features_says_so(tmp_path):
    path = tmp_path / "empty.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(DataError, match=r"empty\.geojson: has no features, expected some with a class"):
        read_vector(path)


@pytest.mark.parametrize("suffix", [".kml", ".kmz", ".gpx", ".dxf", ".gml"])
def test_other_files_of_drawn_labels_say_what_to_do(tmp_path, suffix):
    path = tmp_path / f"fields{suffix}"
    path.write_text("not looked at")
    assert is_vector(path)
    with pytest.raises(FileFormatError, match=r"labels are not read from .*; QGIS saves a layer as one"):
        read_vector(path)
