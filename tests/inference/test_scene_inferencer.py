"""Whole scenes to maps."""

import itertools

import numpy as np
import pytest
import rasterio
import torch
from mmengine.config import Config
from rasterio.crs import CRS
from rasterio.transform import from_origin

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.blending import blend_weight, window_starts
from mmhsi.inference.rows import rows_at_a_time
from mmhsi.io import HSICube, open_cube, write_cube
from mmhsi.registry import MODELS

BANDS, CLASSES = 5, ["a", "b", "c"]
META = dict(classes=CLASSES, palette=None, bands=[0, 1, 2, 4], file_bands=BANDS, label_ids=[1, 2, 3], ignore_ids=[0])
BACKBONE = dict(type="HSIViT", in_channels=4, arch="tiny", img_size=6, patch_size=3)
STATISTICS = dict(num_bands=4, mean=[500.0] * 4, std=[200.0] * 4)
PIXEL = dict(
    type="PixelClassifier",
    data_preprocessor=dict(type="ScenePreprocessor", **STATISTICS),
    backbone=BACKBONE,
    neck=dict(type="CentreContext"),
    head=dict(
        type="mmpretrain.LinearClsHead",
        in_channels=256,
        num_classes=3,
        loss=dict(type="mmpretrain.CrossEntropyLoss"),
    ),
)
SEGMENT = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="TilePreprocessor", **STATISTICS),
    backbone=BACKBONE,
    decode_head=dict(
        type="MultiscaleLinearHead",
        in_channels=[128],
        in_index=[0],
        num_classes=3,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
    test_cfg=dict(mode="whole"),
)
QUERIES = dict(
    type="Mask2Former",
    data_preprocessor=SEGMENT["data_preprocessor"],
    backbone=dict(
        type="mmseg.SwinTransformer", in_channels=4, embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1)
    ),
    in_channels=[8, 16, 32, 64],
    num_classes=3,
    channels=64,
    num_queries=6,
    encoder_layers=1,
    decoder_layers=1,
)


@pytest.fixture
def trained(tmp_path, scope):
    """Config and checkpoint of a model with random weights."""

    def make(model, **meta):
        torch.manual_seed(0)
        built = MODELS.build(model)
        built.init_weights()
        for parameter in built.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        path = tmp_path / "model.pth"
        torch.save(dict(state_dict=built.state_dict(), meta=dict(dataset_meta={**META, **meta})), path)
        return Config(dict(model=model)), path, built.eval()

    return make


@pytest.fixture
def scene(tmp_path):
    """A 17 × 23 GeoTIFF of 5 bands with CRS, two pixels without data."""
    data = np.random.default_rng(0).normal(500, 200, (17, 23, BANDS)).astype(np.float32)
    data[3, 4] = data[16, 22] = -9999
    path = tmp_path / "scene with space.tif"
    transform = from_origin(366000, 5800000, 30, 30)
    write_cube(path, HSICube(data, nodata=-9999, crs=CRS.from_epsg(32633), transform=transform))
    return path, data


def test_pixel_map_equals_a_loop_over_pixels(trained, scene, tmp_path, monkeypatch):
    config, checkpoint, model = trained(PIXEL, window=[6, 6])
    path, data = scene
    # Bands of 4 rows, so that margins between them matter.
    monkeypatch.setattr("mmhsi.inference.scene_inferencer.rows_at_a_time", lambda *_: 4)
    classes = SceneInferencer(config, checkpoint, batch_size=7).write_map(path, tmp_path / "map.tif")
    used = np.where(data == -9999, np.nan, data)[:, :, [0, 1, 2, 4]]
    padded = np.nan_to_num((np.pad(used, ((3, 2), (3, 2), (0, 0)), mode="reflect") - 500) / 200)
    for row in range(17):
        for column in range(23):
            if data[row, column, 0] == -9999:
                assert classes[row, column] == 255
                continue
            window = torch.from_numpy(padded[row : row + 6, column : column + 6]).permute(2, 0, 1)[None].float()
            with torch.no_grad():
                assert classes[row, column] == model(window, mode="tensor").argmax()
    assert len(np.unique(classes)) > 2


@pytest.mark.parametrize("model", [PIXEL, SEGMENT], ids=["pixel", "segment"])
def test_the_transforms_of_the_training_are_applied(trained, scene, tmp_path, model):
    scale = [dict(type="ScaleReflectance", factor=0.5, offset=250.0)]
    config, checkpoint, _ = trained(model, window=[6, 6], transforms=scale)
    scaled = SceneInferencer(config, checkpoint).write_map(scene[0], tmp_path / "a.tif")
    data = np.where(scene[1] == -9999, -9999, scene[1] * np.float32(0.5) + np.float32(250))
    write_cube(tmp_path / "scaled.tif", HSICube(data, nodata=-9999))
    config, checkpoint, _ = trained(model, window=[6, 6])
    plain = SceneInferencer(config, checkpoint)
    np.testing.assert_array_equal(scaled, plain.write_map(tmp_path / "scaled.tif", tmp_path / "b.tif"))
    assert (scaled != plain.write_map(scene[0], tmp_path / "c.tif")).any()
    config, checkpoint, _ = trained(model, window=[6, 6], transforms=[dict(type="MinMaxScale")])
    with pytest.raises(ConfigError, match="MinMaxScale depends on more than one pixel"):
        SceneInferencer(config, checkpoint).write_map(scene[0], tmp_path / "d.tif")
    assert not (tmp_path / "d.tif").exists()


def test_map_carries_georeference_colours_and_names(trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6], palette=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    progress = []
    out = tmp_path / "maps" / "map.tif"
    classes = SceneInferencer(config, checkpoint).write_map(scene[0], out, progress=lambda *p: progress.append(p))
    with rasterio.open(out) as file, rasterio.open(scene[0]) as source:
        assert (file.read(1) == classes).all()
        assert file.crs == source.crs
        assert file.transform == source.transform
        assert file.nodata == 255
        assert file.colormap(1)[1][:3] == (4, 5, 6)
    assert progress[-1] == (17, 17)


@pytest.mark.parametrize(
    ("segmentor", "window", "stride"),
    [*((SEGMENT, *sizes) for sizes in [(6, None), (6, 2), (6, 6), (64, None), (9, 4)]), (QUERIES, 9, None)],
)
def test_segmentation_covers_every_pixel_and_blends_as_a_slow_loop(trained, scene, segmentor, window, stride):
    config, checkpoint, model = trained(segmentor)
    inferencer = SceneInferencer(config, checkpoint, window=window, stride=stride, batch_size=3)
    with open_cube(scene[0]) as reader:
        parts = list(inferencer.predict_rows(reader))
        x = reader.read(bands=[0, 1, 2, 4])
    scores = torch.cat([part for _, part, _ in parts])
    assert [row for row, _, _ in parts] == np.cumsum([0, *[len(part) for _, part, _ in parts]])[:-1].tolist()
    assert scores.shape == (17, 23, 3)
    assert torch.allclose(scores.sum(-1), torch.ones(17, 23), atol=1e-5)
    assert (np.concatenate([v for _, _, v in parts]) == x.valid()).all()

    h, w = min(window, 17), min(window, 23)
    step = stride or window // 2
    image = torch.from_numpy(np.where(x.valid()[..., None], (x.data - 500) / 200, 0)).permute(2, 0, 1).float()
    total, weights = torch.zeros(3, 17, 23), torch.zeros(17, 23)
    for top in sorted({min(t, 17 - h) for t in range(0, 17, min(step, h))}):
        for left in sorted({min(t, 23 - w) for t in range(0, 23, min(step, w))}):
            with torch.no_grad():
                logits = model.encode_decode(
                    image[None, :, top : top + h, left : left + w], [dict(img_shape=(h, w), pad_shape=(h, w))]
                )
            for i in range(h):
                for j in range(w):
                    weight = np.sin(np.pi * (i + 0.5) / h) * np.sin(np.pi * (j + 0.5) / w)
                    total[:, top + i, left + j] += weight * logits[0, :, i, j].softmax(0)
                    weights[top + i, left + j] += weight
    assert torch.allclose(scores, (total / weights).permute(1, 2, 0), atol=1e-4)


@pytest.mark.parametrize(
    ("size", "window", "stride"), [(1, 1, 1), (64, 64, 32), (65, 64, 32), (1000, 64, 7), (47, 9, 9)]
)
def test_windows_cover_an_axis(size, window, stride):
    starts = window_starts(size, window, stride)
    assert starts == sorted(set(starts))
    covered = {start + i for start in starts for i in range(window)}
    assert covered == set(range(size))
    assert all(b - a <= stride for a, b in itertools.pairwise(starts))


def test_blend_weight_is_positive_and_symmetric():
    weight = blend_weight(7, 4)
    assert (weight > 0).all()
    assert torch.allclose(weight, weight.flip(0))
    assert torch.allclose(weight, weight.flip(1))


def test_rows_fit_the_budget():
    assert rows_at_a_time(1000, 200, 2, budget=4_000_000) == 10
    assert rows_at_a_time(10**6, 450, 8) == 1


def test_band_counts(trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6])
    inferencer = SceneInferencer(config, checkpoint)
    write_cube(tmp_path / "used.tif", HSICube(scene[1][:, :, [0, 1, 2, 4]], nodata=-9999))
    whole = inferencer.write_map(scene[0], tmp_path / "a.tif")
    assert (inferencer.write_map(tmp_path / "used.tif", tmp_path / "b.tif") == whole).all()
    write_cube(tmp_path / "three.tif", HSICube(scene[1][:, :, :3]))
    with pytest.raises(DataError, match=r"three\.tif: has 3 bands, the model was trained on 4 of files with 5"):
        inferencer.write_map(tmp_path / "three.tif", tmp_path / "c.tif")
    assert not (tmp_path / "c.tif").exists()


def test_scene_smaller_than_the_window(trained, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6])
    write_cube(tmp_path / "tiny.tif", HSICube(np.ones((3, 3, 5), dtype=np.float32)))
    with pytest.raises(DataError, match="window 6 x 6 does not fit the scene of 3 x 3"):
        SceneInferencer(config, checkpoint).write_map(tmp_path / "tiny.tif", tmp_path / "map.tif")
    assert not list(tmp_path.glob("*map*"))


def test_checkpoints_that_cannot_be_used(trained, tmp_path):
    config, checkpoint, model = trained(PIXEL, window=[6, 6])
    other, _, _ = trained({**PIXEL, "backbone": {**BACKBONE, "patch_size": 2}}, window=[6, 6])
    config, checkpoint, model = trained(PIXEL, window=[6, 6])
    with pytest.raises(ConfigError, match=r"model\.pth: backbone\.\S+ has shape"):
        SceneInferencer(other, checkpoint)
    torch.save(model.state_dict(), tmp_path / "bare.pth")
    with pytest.raises(ConfigError, match=r"bare\.pth: says nothing of classes"):
        SceneInferencer(config, tmp_path / "bare.pth")
