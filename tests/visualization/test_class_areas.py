"""Areas of classes, counted by hand."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from mmhsi.io.class_maps import write_class_map
from mmhsi.io.placement import Grid
from mmhsi.visualization.class_areas import areas_figure, class_areas, pixel_area

NAMES, PALETTE = ["water", "tree", "road", "roof"], [(0, 0, 250), (0, 200, 0), (90, 90, 90), (200, 0, 0)]
MAP = np.array([[0, 1, 1, 1], [2, 1, 1, 255]], np.uint8)


def grid(crs, transform):
    return Grid((2, 4), CRS.from_user_input(crs) if crs else None, transform, "m.tif")


def test_areas_of_pixels():
    rotated = Affine.translation(5e5, 5e6) @ Affine.rotation(30) @ Affine.scale(30, -20)
    assert pixel_area(grid("EPSG:32633", rotated)) == pytest.approx(600)
    feet = pixel_area(grid("EPSG:2278", Affine.scale(10, -10)))  # Texas, in US survey feet of 1200/3937 m
    assert feet == pytest.approx(100 * (1200 / 3937) ** 2)
    assert np.isnan(pixel_area(grid("EPSG:4326", Affine.scale(0.01, -0.01))))
    assert np.isnan(pixel_area(grid(None, None)))


def test_the_largest_class_comes_first_and_absent_ones_do_not():
    areas = class_areas(MAP, NAMES, PALETTE, 900)
    assert [(area.name, area.pixels) for area in areas] == [("tree", 5), ("water", 1), ("road", 1)]
    assert [area.share for area in areas] == pytest.approx([5 / 7, 1 / 7, 1 / 7])
    assert [area.hectares for area in areas] == pytest.approx([0.45, 0.09, 0.09])
    (axis,) = areas_figure(areas).axes
    assert [bar.get_width() for bar in axis.patches] == pytest.approx([0.45, 0.09, 0.09])
    assert axis.texts[0].get_text().strip() == "0.5 ha, 71.4 %"
    assert areas_figure(class_areas(MAP, NAMES, PALETTE)).axes[0].get_xlabel() == "pixels on the map"


def test_the_command_says_them(run_tool, tmp_path, capsys):
    place = dict(crs=CRS.from_epsg(32633), transform=Affine(30, 0, 5e5, 0, -30, 5e6))
    write_class_map(tmp_path / "m.tif", MAP, class_names=NAMES, palette=PALETTE, nodata=255, **place)
    assert run_tool("analysis/show_areas", tmp_path / "m.tif", "--out", tmp_path / "a.png") == 0
    assert "| tree | 5 | 71.4 % | 0.45 |" in capsys.readouterr().out
    assert (tmp_path / "a.png").is_file()
