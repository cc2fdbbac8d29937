"""Vectors on grids that are turned, mirrored, without a plain place or across the dateline, and tables of points."""

import json

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as transform_points

from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.errors import DataError, FileFormatError
from mmhsi.io.placement import Grid

UTM, WGS84 = CRS.from_epsg(32633), CRS.from_epsg(4326)
NORTH_UP = Affine(30, 0, 300_000, 0, -30, 5_800_000)
GRIDS = {
    "turned": Affine(20, 10, 300_000, 10, -20, 5_800_000),
    "south up": Affine(30, 0, 300_000, 0, 30, 5_700_000),
    "east left": Affine(-30, 0, 300_000, 0, -30, 5_800_000),
}


def geojson(path, shapes, epsg=None):
    features = [dict(type="Feature", properties={"class": name}, geometry=shape) for name, shape in shapes]
    content = dict(type="FeatureCollection", features=features)
    if epsg:
        content["crs"] = dict(type="name", properties=dict(name=f"urn:ogc:def:crs:EPSG::{epsg}"))
    path.write_text(json.dumps(content))
    return path


def ring(t, left, top, right, bottom):
    """The border of some pixels, by the six numbers."""
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return [(t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f) for column, row in corners]


@pytest.mark.parametrize("name", GRIDS)
def test_polygons_with_holes_on_grids_of_any_direction(tmp_path, name):
    t = GRIDS[name]
    holed = dict(type="Polygon", coordinates=[ring(t, 3, 4, 10, 9), ring(t, 5, 5, 8, 8)])
    plain = dict(type="Polygon", coordinates=[ring(t, 15, 10, 20, 15)])
    path = geojson(tmp_path / "a.geojson", [("a", holed), ("b", plain)], 32633)
    expected = np.full((20, 30), 255)
    expected[4:9, 3:10], expected[5:8, 5:8], expected[10:15, 15:20] = 0, 255, 1
    np.testing.assert_array_equal(draw_labels(path, Grid((20, 30), UTM, t, name)).labels, expected)


def across(west, east, north=9.95, south=9.85):
    """A box in degrees."""
    return [[[west, north], [east, north], [east, south], [west, south], [west, north]]]


DATELINE = {
    "counted on": dict(type="Polygon", coordinates=across(179.95, 180.05)),
    "counted down": dict(type="Polygon", coordinates=across(-180.05, -179.95)),
    "in halves": dict(type="MultiPolygon", coordinates=[across(179.95, 180), across(-180, -179.95)]),
    "edges the long way": dict(type="Polygon", coordinates=across(179.95, -179.95)),
}
DATELINE_GRIDS = {
    "east": (WGS84, Affine(0.01, 0, 179.9, 0, -0.01, 10)),
    "west": (WGS84, Affine(0.01, 0, -180.1, 0, -0.01, 10)),
    "other datum": (CRS.from_epsg(4269), Affine(0.01, 0, 179.9, 0, -0.01, 10)),
    "web map": (CRS.from_epsg(3857), Affine(1113.1949, 0, 20026376.39, 0, -1130.1, 1118889.975)),
}


@pytest.mark.parametrize("grid", DATELINE_GRIDS)
@pytest.mark.parametrize("drawn", DATELINE)
def test_polygons_across_the_dateline_keep_both_halves(tmp_path, drawn, grid):
    path = geojson(tmp_path / "a.geojson", [("a", DATELINE[drawn])])
    drawn_on = draw_labels(path, Grid((20, 30), *DATELINE_GRIDS[grid], "grid"))
    expected = np.full((20, 30), 255)
    expected[5:15, 5:15] = 0
    np.testing.assert_array_equal(drawn_on.labels, expected)
    assert drawn_on.burned.polygons.max() == drawn_on.burned.polygons[10, 14] == drawn_on.burned.polygons[10, 5] > 0


def test_polygons_of_a_utm_zone_across_the_dateline_with_a_hole(tmp_path):
    grid = Grid((20, 30), WGS84, DATELINE_GRIDS["east"][1], "grid")
    rings = [across(179.95, 180.05)[0], across(179.97, 180.03, 9.93, 9.87)[0]]
    rings = [np.column_stack(transform_points(WGS84, CRS.from_epsg(32601), *zip(*ring, strict=True))) for ring in rings]
    path = geojson(
        tmp_path / "a.geojson", [("a", dict(type="Polygon", coordinates=[r.tolist() for r in rings]))], 32601
    )
    expected = np.full((20, 30), 255)
    expected[5:15, 5:15], expected[7:13, 7:13] = 0, 255
    np.testing.assert_array_equal(draw_labels(path, grid).labels, expected)


def test_the_whole_world_is_not_turned_round(tmp_path):
    whole = dict(type="Polygon", coordinates=across(-180, 180, 90, -90))
    edge = dict(type="Point", coordinates=[-180, 10.0])
    grid = Grid((18, 36), WGS84, Affine(10, 0, -180, 0, -10, 90), "world")
    assert (draw_labels(geojson(tmp_path / "a.geojson", [("a", whole)]), grid).labels == 0).all()
    found = draw_labels(geojson(tmp_path / "b.geojson", [("a", edge)]), grid)
    assert np.argwhere(found.labels == 0).tolist() == [[8, 0]]


def test_points_on_the_borders_of_pixels_belong_to_the_pixel_below_and_to_the_right(tmp_path):
    (tmp_path / "p.csv").write_text("x,y,class\n300030,5799970,a\n300000,5800000,b\n300900,5799400,b\n")
    labels = draw_labels(tmp_path / "p.csv", Grid((20, 30), UTM, NORTH_UP, "grid")).labels
    assert np.argwhere(labels != 255).tolist() == [[0, 0], [1, 1]]  # the last one lies on the scene's own corner
    assert (labels[1, 1], labels[0, 0]) == (0, 1)


def test_decimal_commas_where_commas_part_no_columns(tmp_path):
    (tmp_path / "p.csv").write_text("Y;X;class\n5799955,5;300045,25;a\n5799985,0;300075;b\n", encoding="utf-8-sig")
    labels = draw_labels(tmp_path / "p.csv", Grid((20, 30), UTM, NORTH_UP, "grid")).labels
    assert np.argwhere(labels != 255).tolist() == [[0, 2], [1, 1]]
    (tmp_path / "q.csv").write_text("y,x,class\n5799955,5,300045,25,a\n")
    with pytest.raises(DataError, match="line 2 has 5 columns"):
        draw_labels(tmp_path / "q.csv", Grid((20, 30), UTM, NORTH_UP, "grid"))


TABLES = {
    "x,y,class\nnan,5799955,a\n": "line 2: 'nan', '5799955' is no place",
    "x,y,class\ninf,5799955,a\n": "line 2: 'inf', '5799955' is no place",
    "x,y,class,class\n300045,5799955,a,b\n": "several columns 'class'",
    "\n\n": "is blank",
}


@pytest.mark.parametrize("text", TABLES)
def test_tables_that_say_no_place_or_two_classes(tmp_path, text):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=TABLES[text]):
        draw_labels(tmp_path / "p.csv", Grid((20, 30), UTM, NORTH_UP, "grid"))


def test_a_table_in_another_encoding_says_which_one_is_read(tmp_path):
    (tmp_path / "p.csv").write_bytes("x,y,class\n300045,5799955,Wälder\n".encode("cp1252"))
    with pytest.raises(FileFormatError, match="save the table as UTF-8"):
        draw_labels(tmp_path / "p.csv", Grid((20, 30), UTM, NORTH_UP, "grid"))


def test_whole_numbers_with_a_point_are_ids_and_lists_are_no_classes(tmp_path):
    (tmp_path / "p.csv").write_text("\nx,y,class\n300045,5799955,4.0\n300105,5799955,\n300135,5799955,2\n")
    grid = Grid((20, 30), UTM, NORTH_UP, "grid")
    assert draw_labels(tmp_path / "p.csv", grid).label_ids == (2, 4)
    shape = dict(type="Polygon", coordinates=[ring(NORTH_UP, 3, 4, 10, 9)])
    with pytest.raises(DataError, match="field 'class' holds lists"):
        draw_labels(geojson(tmp_path / "l.geojson", [(["a", "b"], shape), (["c"], shape)], 32633), grid)
