"""Features of scenes: files against windows that are passed one by one, tables against means by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scene_models import BANDS, CONV, USED, pixel_model

from mmhsi.errors import ConfigError
from mmhsi.estimator import SceneClassifier
from mmhsi.inference import SceneInferencer
from mmhsi.inference.feature_basis import FeatureBasis
from mmhsi.inference.place_features import features_at
from mmhsi.inference.scene_features import PixelFeatures, scene_features, write_features
from mmhsi.io import HSICube, open_cube, read_cube, write_cube
from mmhsi.io.feature_pixels import pixels_of
from mmhsi.io.feature_tables import read_feature_table, write_feature_table
from mmhsi.io.placement import Grid
from mmhsi.io.vectors import read_vector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
CNN = dict(type="CNN2D", in_channels=4, embed_dims=6, groups=2)
SCALES = dict(type="MultiScaleWindows", in_channels=4, backbone=dict(CNN, embed_dims=3, groups=1, depth=1))
MODELS = dict(
    windows=pixel_model(dict(CONV, kernel=3), dict(type="CenterContext"), 12),
    rows=pixel_model(CNN, dict(type="CenterContext"), 12),
    scales=pixel_model(SCALES, dict(type="CenterContext"), 12),
)
SIZE = (150, 23)


@pytest.fixture
def tall(tmp_path: Path) -> tuple[Path, np.ndarray]:
    """150 × 23 pixels of 5 bands, more rows than a tile has, two without data."""
    data = np.random.default_rng(0).normal(500, 200, (*SIZE, BANDS)).astype(np.float32)
    data[3, 4] = data[149, 22] = -9999
    place = from_origin(366000, 5800000, 30, 30)
    write_cube(tmp_path / "tall.tif", HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=place))
    return tmp_path / "tall.tif", data


def one_by_one(model: torch.nn.Module, data: np.ndarray, window: int) -> np.ndarray:
    """Features (H, W, d): the last map's middle of a window around each pixel, borders mirrored."""
    half = window // 2
    values = (np.where(data == -9999, 500, data)[..., USED] - 500) / 200
    padded = torch.from_numpy(np.pad(values, ((half, half), (half, half), (0, 0)), mode="reflect").astype(np.float32))
    found = []
    with torch.inference_mode():
        for row in range(data.shape[0]):
            cut = torch.stack([padded[row : row + window, c : c + window] for c in range(data.shape[1])])
            maps = model.backbone(cut.permute(0, 3, 1, 2))[-1]
            found.append(maps[:, :, maps.shape[2] // 2, maps.shape[3] // 2])
    result = torch.stack(found).numpy()
    result[(data == -9999).all(axis=-1)] = np.nan
    return result


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("suffix", [".tif", ".zarr"])
def test_files_hold_what_windows_give(kind: str, suffix: str, trained: Callable, tall: tuple, tmp_path: Path) -> None:
    if suffix == ".zarr":
        pytest.importorskip("zarr")
    side = 15 if kind == "scales" else 7
    config, checkpoint, model = trained(MODELS[kind], window=[side, side])
    path, data = tall
    expected = one_by_one(model, data, side)
    features = PixelFeatures(SceneInferencer(config, checkpoint, "cpu", 100))
    assert features.in_rows == (kind != "windows")
    for half in (True, False):
        with features.inferencer.open_scene(path) as rows:
            assert write_features(features, rows, tmp_path / f"f{suffix}", half=half) == 6
        with open_cube(tmp_path / f"f{suffix}") as reader:
            info, found = reader.info, reader.read()
        assert (info.crs, info.transform.c) == (CRS.from_epsg(32633), 366000)
        np.testing.assert_allclose(found.data, expected, rtol=2e-3 if half else 0, atol=1e-3 if half else 1e-5)
        np.testing.assert_array_equal(found.valid(), ~np.isnan(expected[..., 0]))
    np.testing.assert_allclose(
        scene_features(path, checkpoint, config=config, device="cpu"), expected, rtol=0, atol=1e-5
    )


def test_components_are_those_of_the_sample(trained: Callable, tall: tuple, tmp_path: Path) -> None:
    config, checkpoint, model = trained(MODELS["rows"], window=[7, 7])
    path, data = tall
    expected = one_by_one(model, data, 7)
    features = PixelFeatures(SceneInferencer(config, checkpoint, "cpu"))
    with features.inferencer.open_scene(path) as rows:
        sample = features.sample(rows, SIZE[0], SIZE[1])
    np.testing.assert_allclose(sample, expected[~np.isnan(expected[..., 0])], rtol=0, atol=1e-5)
    basis = FeatureBasis.fit(sample, 2)
    with features.inferencer.open_scene(path) as rows:
        write_features(features, rows, tmp_path / "p.tif", basis, half=False)
    found = read_cube(tmp_path / "p.tif").data.reshape(-1, 2)
    _, spread, axes = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)
    by_hand = (expected.reshape(-1, 6) - sample.mean(axis=0)) @ axes[:2].T
    by_hand *= np.sign(np.nansum(by_hand * found, axis=0))
    np.testing.assert_allclose(found, by_hand, rtol=0, atol=1e-3)
    assert basis.kept == pytest.approx((spread[:2] ** 2).sum() / (spread**2).sum(), abs=1e-4)
    with pytest.raises(ConfigError, match="expected 1 to the 6"):
        FeatureBasis.fit(sample, 7)


def test_places_have_the_mean_of_their_pixels(trained: Callable, tall: tuple, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    config, checkpoint, model = trained(MODELS["windows"], window=[7, 7])
    path, data = tall
    expected = one_by_one(model, data, 7)

    def square(left: float, top: float, right: float, bottom: float) -> list:
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        return [[[366000 + 30 * x, 5800000 - 30 * y] for x, y in corners]]

    shapes = [
        dict(type="Polygon", coordinates=square(1, 60, 6, 70)),
        dict(type="Polygon", coordinates=square(3, 2, 6, 6)),  # holds one pixel without data
        dict(type="MultiPolygon", coordinates=[square(4, 65, 8, 67), square(10, 100, 12, 101)]),  # overlaps the first
        dict(type="Point", coordinates=[366000 + 30 * 4.5, 5800000 - 30 * 3.5]),  # on that pixel
        dict(type="Point", coordinates=[366000 - 30, 5800000]),  # outside
    ]
    features = [
        dict(type="Feature", geometry=shape, properties={"class": name})
        for shape, name in zip(shapes, ["a", "b", "a", "b", "a"], strict=True)
    ]
    crs = dict(type="name", properties=dict(name="urn:ogc:def:crs:EPSG::32633"))
    (tmp_path / "places.geojson").write_text(json.dumps(dict(type="FeatureCollection", crs=crs, features=features)))
    vector = read_vector(tmp_path / "places.geojson")
    with open_cube(path) as reader:
        _, owners = pixels_of(vector, Grid.of(reader.info))
    assert np.bincount(owners, minlength=5).tolist() == [50, 12, 10, 1, 0]
    model_features = PixelFeatures(SceneInferencer(config, checkpoint, "cpu"))
    with model_features.inferencer.open_scene(path) as rows:
        table = features_at(model_features, rows, vector)
    by_hand = np.full((5, 6), np.nan)
    by_hand[0] = expected[60:70, 1:6].mean(axis=(0, 1))
    by_hand[1] = np.nanmean(expected[2:6, 3:6], axis=(0, 1))
    by_hand[2] = np.concatenate([expected[65:67, 4:8].reshape(-1, 6), expected[100, 10:12]]).mean(axis=0)
    np.testing.assert_allclose(table.features, by_hand, rtol=0, atol=1e-5)
    assert table.pixels.tolist() == [50, 11, 10, 0, 0]
    write_feature_table(tmp_path / "places.parquet", table)
    values, classes = read_feature_table(tmp_path / "places.parquet")
    np.testing.assert_array_equal(values, table.features[:3])
    assert classes.tolist() == ["a", "b", "a"]
    said = _geo(tmp_path / "places.parquet")
    assert said["columns"]["geometry"]["crs"]["id"] == dict(authority="EPSG", code=32633)
    assert said["columns"]["geometry"]["geometry_types"] == ["MultiPolygon", "Point", "Polygon"]
    by_feature = [
        [shape for shape, owner in zip(vector.shapes, vector.owners, strict=True) if owner == i] for i in (0, 2)
    ]
    from mmhsi.io.wkb import decode

    for index, parts in zip((0, 2), by_feature, strict=True):
        for given, read in zip(parts, decode(table.shapes[index]), strict=True):
            assert given.kind == read.kind
            np.testing.assert_array_equal(given.rings[0], read.rings[0])
    rng = np.random.default_rng(0)
    more, names = np.repeat(values, 20, axis=0), np.repeat(classes, 20)
    learnt = SceneClassifier(minutes=1, models="lda", folds=2).fit(more + rng.normal(0, 1e-3, more.shape), names)
    assert learnt.predict(values).tolist() == classes.tolist()


def _geo(path: Path) -> dict:
    import pyarrow.parquet

    said: dict = json.loads(pyarrow.parquet.read_schema(path).metadata[b"geo"])
    return said
