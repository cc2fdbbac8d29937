"""Vectors on grids that are turned, mirrored, without a plain place or across the dateline, and tables of points."""

import json

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.datasets.drawn_labels import draw_labels
from mmhsi.errors import DataError
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


@pytest.mark.parametrize("halves", [False, True])
def test_polygons_across_the_dateline(tmp_path, halves):
    """On a grid in longitudes: what lies beyond 180° is counted on, or drawn in its own half."""
    north, south = 9.95, 9.85

    def box(west, east):
        return [[[west, north], [east, north], [east, south], [west, south], [west, north]]]

    whole = dict(type="Polygon", coordinates=box(179.95, 180.05))
    parts = dict(type="MultiPolygon", coordinates=[box(179.95, 180), box(-180, -179.95)])
    path = geojson(tmp_path / "a.geojson", [("a", parts if halves else whole)])
    grid = Grid((20, 30), WGS84, Affine(0.01, 0, 179.9, 0, -0.01, 10), "grid")
    labels = draw_labels(path, grid).labels
    expected = np.full((20, 30), 255)
    expected[5:15, 5 : 10 if halves else 15] = 0
    np.testing.assert_array_equal(labels, expected)


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
