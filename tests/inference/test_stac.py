"""STAC items beside maps, as pystac and its extensions read them."""

import json
import os

import numpy as np
import pystac
import pytest
import rasterio
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import PIXEL_CONV

from mmhsi.inference import SceneInferencer
from mmhsi.inference.stac import acquired, item_path
from mmhsi.io import HSICube, write_cube
from mmhsi.io.acquired import utc_time


@pytest.fixture(name="item")
def item_fixture(trained, scene, tmp_path):
    path, _ = scene
    cfg, checkpoint, _ = trained(PIXEL_CONV, classes=["Wald", "水", "水 2"])
    files = dict(probabilities=tmp_path / "shares.tif", uncertainty=tmp_path / "sub" / "doubt.tif")
    SceneInferencer(cfg, checkpoint, window=3).write_map(path, tmp_path / "map.tif", **files)
    return pystac.Item.from_file(str(item_path(tmp_path / "map.tif")))


def test_pystac_reads_place_and_classes(item, tmp_path):
    projection = ProjectionExtension.ext(item)
    with rasterio.open(tmp_path / "map.tif") as written:
        assert projection.code == "EPSG:32633"
        assert projection.shape == [written.height, written.width] == [17, 23]
        assert projection.transform == [*written.transform][:6]
        lonlat = rasterio.warp.transform_bounds(written.crs, "EPSG:4326", *written.bounds)
        nodata = written.nodata
    np.testing.assert_allclose(item.bbox, lonlat, atol=1e-5)
    classes = ClassificationExtension.ext(item.assets["classes"]).classes
    assert [one.value for one in classes] == [1, 2, 3, nodata]
    assert [one.name for one in classes] == ["wald", "class-2", "2", "no-data"]
    titles = [one["title"] for one in item.assets["classes"].to_dict()["classification:classes"]]
    assert titles == ["Wald", "水", "水 2", "no data"]


def test_the_core_schema_holds(item):
    pytest.importorskip("jsonschema")
    from pystac.validation import validate_dict

    content = {**item.to_dict(), "stac_extensions": []}  # their schemas lie on servers
    assert validate_dict(content)
    with pytest.raises(pystac.STACValidationError):
        validate_dict({**content, "geometry": 5})


def test_it_names_its_files_model_and_training(item, tmp_path):
    assert {name: asset.href for name, asset in item.assets.items()} == {
        "classes": "map.tif",
        "probabilities": "shares.tif",
        "uncertainty": "sub/doubt.tif",
    }
    shares = item.assets["probabilities"].to_dict()
    assert [band["name"] for band in shares["bands"]] == ["Wald", "水", "水 2"]
    assert {(band["data_type"], band["unit"], band["nodata"]) for band in shares["bands"]} == {("float32", "1", "nan")}
    assert len(item.properties["mmhsi:model"]["weights"]) == 16
    assert item.properties["mmhsi:training"]["classes"] == ["Wald", "水", "水 2"]
    json.loads(item_path(tmp_path / "map.tif").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("place", ["none", "dateline", "degrees"])
def test_maps_without_a_place_and_across_the_dateline(trained, tmp_path, place):
    data = np.random.default_rng(0).normal(500, 200, (9, 9, 5)).astype(np.float32)
    where = {}
    if place == "dateline":  # UTM zone 60 reaches 180° E at about 833 km, on the equator
        where = dict(crs=CRS.from_epsg(32660), transform=from_origin(830000, 100000, 1000, 1000))
    elif place == "degrees":
        where = dict(crs=CRS.from_epsg(4326), transform=from_origin(179.95, 60, 0.01, 0.01))
    write_cube(tmp_path / "cube.tif", HSICube(data, **where))
    cfg, checkpoint, _ = trained(PIXEL_CONV)
    SceneInferencer(cfg, checkpoint, window=3).write_map(tmp_path / "cube.tif", tmp_path / "map.tif")
    item = json.loads(item_path(tmp_path / "map.tif").read_text())
    if place == "none":
        assert item["geometry"] is None
        assert "bbox" not in item
    else:
        west, _, east, _ = item["bbox"]
        assert item["geometry"]["type"] == "MultiPolygon"
        assert 179 < west < 180
        assert -180 < east < -179


def test_the_time_is_that_of_the_product():
    names = {
        "ENMAP01-____L2A-DT0000001234_20220724T104526Z_001_V010111_20230101T000000Z.ZIP": "2022-07-24T10:45:26Z",
        "PRS_L2D_STD_20191215092453_20191215092457_0003.he5": "2019-12-15T09:24:53Z",
        "EMIT_L2A_RFL_001_20230401T203751_2309114_002.nc": "2023-04-01T20:37:51Z",
        "NEON_D01_HARV_DP1_20190826_153117_reflectance.h5": "2019-08-26T15:31:17Z",
        "AV320250308t200738_rdn.hdr": None,
        "scene_20229924T104526Z.tif": None,
        "cube.hdr": None,
    }
    assert {name: acquired(name) for name in names} == names


def test_the_time_of_a_file_is_none_of_a_scene(trained, tmp_path):
    """Where nobody says when a scene was taken, STAC asks for two times between which it was."""
    data = np.random.default_rng(0).normal(500, 200, (9, 9, 5)).astype(np.float32)
    write_cube(tmp_path / "cube.tif", HSICube(data))
    os.utime(tmp_path / "cube.tif", (1.7e9, 1.7e9))
    with rasterio.open(
        tmp_path / "known.img", "w", driver="ENVI", width=9, height=9, count=5, dtype="float32", crs="EPSG:32633"
    ) as file:
        file.write(data.transpose(2, 0, 1))
    header = tmp_path / "known.hdr"
    header.write_text(f"{header.read_text()}acquisition time = 2012-05-01T10:20:30.5Z\n")
    cfg, checkpoint, _ = trained(PIXEL_CONV)
    inferencer = SceneInferencer(cfg, checkpoint, window=3)
    times = []
    for name in ("cube.tif", "known.hdr"):
        inferencer.write_map(tmp_path / name, tmp_path / "map.tif")
        item = pystac.Item.from_file(str(item_path(tmp_path / "map.tif")))
        found = item.properties
        times.append([found.get(key) for key in ("datetime", "start_datetime", "end_datetime")])
    assert times == [[None, "1970-01-01T00:00:00Z", "2023-11-14T22:13:20Z"], ["2012-05-01T10:20:30Z", None, None]]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2022-07-24T10:45:26.123456Z", "2022-07-24T10:45:26Z"),
        ("2022-08-14T16:12:36+0000", "2022-08-14T16:12:36Z"),
        ("2019-12-31 23:24:53.512-01:00", "2020-01-01T00:24:53Z"),
        ("2022-13-24T10:45:26Z", None),
        ("2022-07-24", None),
        (None, None),
    ],
)
def test_times_are_brought_to_utc(text, time):
    assert utc_time(text) == time
