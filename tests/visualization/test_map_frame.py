"""Scale, north and coordinates of maps, against what geodesy and hand calculation say."""

import math

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.io.placement import Grid
from mmhsi.visualization.map_frame import MapFrame, bar_length, draw_coordinates, draw_scale_and_north
from mmhsi.visualization.style import new_figure

UTM = CRS.from_epsg(32633)


def grid(transform, crs, shape=(40, 50)):
    return Grid(shape=shape, crs=crs, transform=transform, name="a scene")


def test_metres_and_north_of_projected_pixels():
    frame = MapFrame.of(grid(Affine(30, 0, 366000, 0, -30, 5810000), UTM), step=2)
    assert frame.metres == pytest.approx(60)
    np.testing.assert_allclose(frame.north, (0, -1), atol=1e-12)
    turned = Affine.translation(366000, 5810000) @ Affine.rotation(30) @ Affine.scale(5, -5)
    frame = MapFrame.of(grid(turned, UTM))
    assert frame.metres == pytest.approx(5)
    column, row = frame.north
    east, north = turned @ (column, row)
    assert (east - 366000, north - 5810000) == pytest.approx((0, 5), abs=1e-6)


def test_metres_of_degrees_shrink_with_the_latitude():
    frame = MapFrame.of(grid(Affine(0.001, 0, 13, 0, -0.001, 60.02), CRS.from_epsg(4326)))
    assert frame.metres == pytest.approx(0.001 * math.radians(1) * 6371007.2 * 0.5, rel=1e-3)  # cos 60 degrees


def test_without_a_place_there_is_none():
    assert MapFrame.of(grid(None, None)) is None


@pytest.mark.parametrize(("room", "length"), [(1.0, 1), (1.99, 1), (2, 2), (4.9, 2), (999, 500), (1000, 1000)])
def test_bars_are_round_and_fit(room, length):
    assert bar_length(room) == length


def test_what_is_drawn():
    frame = MapFrame.of(grid(Affine(30, 0, 366000, 0, -30, 5810000), UTM))
    axes = new_figure(3, 3).subplots()
    axes.imshow(np.zeros((40, 50, 3), np.uint8))
    draw_scale_and_north(axes, frame, (40, 50))
    assert draw_coordinates(axes, frame, (40, 50))
    texts = {text.get_text() for text in axes.texts}
    assert {"200 m", "N"} <= texts  # a quarter of 1500 m holds 200
    bar = axes.lines[-1].get_xdata()
    assert (bar[1] - bar[0]) * 30 == pytest.approx(200)
    for place, label in zip(axes.get_xticks(), axes.get_xticklabels(), strict=True):
        assert 366000 + (place + 0.5) * 30 == pytest.approx(float(label.get_text().replace(",", "").rstrip(" m")))
    turned = MapFrame.of(grid(Affine.rotation(30) @ Affine.scale(5, -5), UTM))
    assert not draw_coordinates(axes, turned, (40, 50))
