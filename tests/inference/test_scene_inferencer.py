"""Whole scenes to maps: every value against a slow loop or the model on the whole scene."""

import itertools
import threading

import numpy as np
import pytest
import rasterio
import torch
from rasterio.crs import CRS
from scene_models import BANDS, CLASSES, PIXEL, PIXEL_CONV, QUERIES, SEGMENT, SEGMENT_CONV, SEGMENT_CONV3, USED

from mmhsi.errors import ConfigError, DataError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.batch_size import fastest_batch
from mmhsi.inference.blending import blend_weights, window_starts
from mmhsi.inference.scene_rows import SceneRows, mirrored, rows_at_a_time
from mmhsi.io import HSICube, read_class_map, write_cube

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")


@pytest.fixture
def few_rows(monkeypatch):
    """Rows come 4 at a time and leave in strips of few, so that borders between them matter."""
    monkeypatch.setattr("mmhsi.inference.scene_rows.BUDGET", 4 * 4 * 5 * 30)
    monkeypatch.setattr("mmhsi.inference.scene_rows.rows_at_a_time", lambda *_: 4)
    monkeypatch.setattr("mmhsi.inference.prediction.STRIP", 60)


def predicted(inferencer, path):
    """Class probabilities (H, W, K) and validity of a scene."""
    with inferencer.open_scene(path) as rows:
        parts = list(inferencer.predict_rows(rows))
    starts = [first for first, _, _ in parts]
    assert starts == np.cumsum([0, *[scores.shape[1] for _, scores, _ in parts]])[:-1].tolist()
    return torch.cat([scores for _, scores, _ in parts], 1).permute(1, 2, 0), np.concatenate([v for *_, v in parts])


@pytest.mark.parametrize("window", [6, 9, 50], ids=["even", "odd", "mirrored more than once"])
def test_pixel_map_equals_a_loop_over_pixels(trained, scene, map_of, few_rows, window):
    config, checkpoint, model = trained(PIXEL, window=[window, window])
    path, data = scene
    classes = map_of(SceneInferencer(config, checkpoint, batch_size=7), path)
    used = np.where(data == -9999, np.nan, data)[:, :, USED]
    margin = (window // 2, (window - 1) // 2)
    padded = np.nan_to_num((np.pad(used, (margin, margin, (0, 0)), mode="reflect") - 500) / 200)
    for row in range(17):
        for column in range(0, 23, 1 if window < 10 else 5):
            if data[row, column, 0] == -9999:
                assert classes[row, column] == 255
                continue
            cut = torch.from_numpy(padded[row : row + window, column : column + window])
            with torch.no_grad():
                assert classes[row, column] == model(cut.permute(2, 0, 1)[None].float(), mode="tensor").argmax()
    assert len(np.unique(classes)) > 2


@pytest.mark.parametrize(
    ("segmentor", "window", "stride"),
    [(SEGMENT, 6, None), (SEGMENT, 6, 2), (SEGMENT, 6, 6), (SEGMENT, 9, 4), (QUERIES, 9, 4)],
)
def test_segmentation_blends_as_a_slow_loop(trained, scene, few_rows, segmentor, window, stride):
    config, checkpoint, model = trained(segmentor)
    inferencer = SceneInferencer(config, checkpoint, window=window, stride=stride, batch_size=3)
    scores, valid = predicted(inferencer, scene[0])
    assert (valid == (scene[1][..., 0] != -9999)).all()
    image = torch.from_numpy(np.where(valid[..., None], (scene[1][..., USED] - 500) / 200, 0)).permute(2, 0, 1).float()
    total, weights = torch.zeros(3, 17, 23), torch.zeros(17, 23)
    step = stride or window // 2
    bell = np.sin(np.pi * (np.arange(window) + 0.5) / window)
    for top in sorted({min(t, 17 - window) for t in range(0, 17, step)}):
        for left in sorted({min(t, 23 - window) for t in range(0, 23, step)}):
            cut = image[None, :, top : top + window, left : left + window]
            with torch.no_grad():
                logits = model.encode_decode(cut, [dict(img_shape=(window, window), pad_shape=(window, window))])[0]
            for i, j in itertools.product(range(window), range(window)):
                total[:, top + i, left + j] += bell[i] * bell[j] * logits[:, i, j]
                weights[top + i, left + j] += bell[i] * bell[j]
    expected = (total / weights).softmax(0).permute(1, 2, 0)
    assert torch.allclose(scores, expected, atol=1e-4)


def whole(model, data):
    """Class of every pixel from the model on the whole scene."""
    image = (torch.from_numpy(data[..., USED]).float() - 500).permute(2, 0, 1)[None] / 200
    with torch.no_grad():
        return model.encode_decode(image, [dict(img_shape=data.shape[:2], pad_shape=data.shape[:2])])[0].argmax(0)


def test_the_next_rows_are_read_while_the_model_works_each_once(trained, scene, few_rows, monkeypatch):
    config, checkpoint, _ = trained(SEGMENT_CONV3)
    read, begun = [], threading.Event()

    def counted(self, first, last):
        read.append((first, last))
        if first == 4:
            begun.set()
        return read_rows(self, first, last)

    read_rows = SceneRows._read
    monkeypatch.setattr(SceneRows, "_read", counted)
    inferencer = SceneInferencer(config, checkpoint, window=4, batch_size=3)
    with inferencer.open_scene(scene[0]) as rows:
        next(parts := inferencer.predict_rows(rows))
        assert begun.wait(60)  # windows of rows 0 to 3 alone have been asked for
        assert len(list(parts)) > 1
    assert read == [(row, min(row + 4, 17)) for row in range(0, 17, 4)]


def test_tiled_equals_untiled_where_the_model_looks_no_further_than_a_window(trained, tmp_path, map_of, few_rows):
    data = np.random.default_rng(1).normal(500, 200, (37, 41, BANDS)).astype(np.float32)
    write_cube(tmp_path / "s.tif", HSICube(data))
    config, checkpoint, model = trained(SEGMENT_CONV)
    for window, stride in ((8, 4), (8, 8), (8, 3), (37, 10)):
        inferencer = SceneInferencer(config, checkpoint, window=window, stride=stride)
        np.testing.assert_array_equal(map_of(inferencer, tmp_path / "s.tif"), whole(model, data))
    config, checkpoint, model = trained(SEGMENT_CONV3)
    untiled = whole(model, data).numpy()
    # Side by side, a 3 x 3 kernel misses its neighbours in the first and last row and column of every window alone.
    tiled = map_of(SceneInferencer(config, checkpoint, window=8, stride=8), tmp_path / "s.tif")
    inner = [[index for index in range(size) if index % 8 not in (0, 7) and index < size - 8] for size in (37, 41)]
    np.testing.assert_array_equal(tiled[np.ix_(*inner)], untiled[np.ix_(*inner)])
    assert (tiled != untiled).any()


@pytest.mark.parametrize("size", [(1, 1), (31, 47), (64, 64), (65, 1000)])
@pytest.mark.parametrize("stride", [None, 3, 32, 64], ids=["pixel", "segment 3", "segment 32", "segment 64"])
def test_a_constant_model_gives_a_constant_map(trained, tmp_path, map_of, size, stride):
    write_cube(tmp_path / "s.tif", HSICube(np.random.default_rng(0).normal(500, 200, (*size, 4)).astype(np.float32)))
    if stride is None:
        inferencer = SceneInferencer(*trained(PIXEL_CONV, constant=True, window=[9, 8])[:2])
    else:
        inferencer = SceneInferencer(*trained(SEGMENT_CONV, constant=True)[:2], window=64, stride=stride)
    classes = map_of(inferencer, tmp_path / "s.tif")
    assert classes.shape == size
    assert (classes == 2).all()


def test_a_patch_backbone_takes_a_single_pixel(trained, tmp_path, map_of):
    write_cube(tmp_path / "s.tif", HSICube(np.ones((1, 1, 4), dtype=np.float32)))
    for model in (PIXEL, SEGMENT):
        config, checkpoint, _ = trained(model, window=[7, 7])
        assert map_of(SceneInferencer(config, checkpoint), tmp_path / "s.tif").max() < 3


@pytest.mark.parametrize("model", [PIXEL, SEGMENT], ids=["pixel", "segment"])
def test_probabilities_and_uncertainty(trained, scene, tmp_path, model):
    config, checkpoint, _ = trained(model, window=[6, 6])
    inferencer = SceneInferencer(config, checkpoint)
    out, probabilities, uncertainty = (tmp_path / name for name in ("m.tif", "p.tif", "u.tif"))
    inferencer.write_map(scene[0], out, probabilities=probabilities, uncertainty=uncertainty)
    scores, valid = predicted(inferencer, scene[0])
    with rasterio.open(out) as m, rasterio.open(probabilities) as p, rasterio.open(uncertainty) as u:
        classes, shares, doubt = m.read(1), p.read(), u.read(1)
        assert p.descriptions == tuple(CLASSES)
        for file in (p, u):
            assert (file.crs, file.transform, file.dtypes[0]) == (m.crs, m.transform, "float32")
            assert np.isnan(file.nodata)
            assert file.profile["tiled"]
            assert file.profile["compress"] == "deflate"
    np.testing.assert_allclose(shares[:, valid], scores.permute(2, 0, 1)[:, valid], atol=1e-6)
    assert np.isnan(shares[:, ~valid]).all()
    assert np.isnan(doubt[~valid]).all()
    assert (classes[valid] == shares.argmax(0)[valid] + 1).all(), "the ids of the labels: 1 to K"
    expected = -(shares[:, valid] * np.log(shares[:, valid])).sum(0) / np.log(3)
    np.testing.assert_allclose(doubt[valid], expected, atol=1e-5)


def test_map_carries_georeference_colours_and_names(trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6], palette=[[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    progress = []
    out = tmp_path / "maps" / "map.tif"
    SceneInferencer(config, checkpoint).write_map(scene[0], out, progress=lambda *p: progress.append(p))
    with rasterio.open(out) as file, rasterio.open(scene[0]) as source:
        assert file.crs == source.crs == CRS.from_epsg(32633)
        assert file.transform == source.transform
        assert file.nodata == 255
        assert file.colormap(1)[2][:3] == (4, 5, 6), "the second class has the id 2"
        assert file.tags()["class_names"] == '["a", "b", "c"]'
    assert progress[0] == (0, 17)
    assert progress[-1] == (17, 17)
    assert sorted(path.name for path in out.parent.iterdir()) == [
        "map.qml",
        "map.stac.json",
        "map.tif",
        "map.tif.aux.xml",
    ]


@pytest.mark.parametrize("model", [PIXEL, SEGMENT], ids=["pixel", "segment"])
def test_the_transforms_of_the_training_are_applied(trained, scene, tmp_path, map_of, model):
    scale = [dict(type="ScaleReflectance", factor=0.5, offset=250.0)]
    config, checkpoint, _ = trained(model, window=[6, 6], transforms=scale)
    scaled = map_of(SceneInferencer(config, checkpoint), scene[0])
    data = np.where(scene[1] == -9999, -9999, scene[1] * np.float32(0.5) + np.float32(250))
    write_cube(tmp_path / "scaled.tif", HSICube(data, nodata=-9999))
    config, checkpoint, _ = trained(model, window=[6, 6])
    plain = SceneInferencer(config, checkpoint)
    np.testing.assert_array_equal(scaled, map_of(plain, tmp_path / "scaled.tif"))
    assert (scaled != map_of(plain, scene[0])).any()


@pytest.mark.parametrize("model", [PIXEL, SEGMENT], ids=["pixel", "segment"])
def test_half_precision_agrees_nearly_everywhere(trained, scene, map_of, model):
    config, checkpoint, _ = trained(model, window=[6, 6])
    full, half = (map_of(SceneInferencer(config, checkpoint, amp=amp), scene[0]) for amp in (False, True))
    assert (full == half).mean() > 0.97


@pytest.mark.parametrize("model", [PIXEL_CONV, SEGMENT_CONV], ids=["pixel", "segment"])
def test_the_batch_found_out_gives_the_same_map(trained, scene, map_of, model):
    config, checkpoint, _ = trained(model, window=[6, 6])
    fixed, auto = (map_of(SceneInferencer(config, checkpoint, batch_size=size), scene[0]) for size in (3, "auto"))
    np.testing.assert_array_equal(fixed, auto)


def test_a_batch_stays_within_memory_and_limit():
    tried = []

    def out_of_memory(size):
        tried.append(size)
        if size > 8:
            raise torch.OutOfMemoryError

    assert fastest_batch(out_of_memory, torch.device("cpu"), 1, 64) <= 8
    assert max(tried) <= 16
    assert fastest_batch(tried.append, torch.device("cpu"), 4, 4) == 4


@pytest.mark.parametrize(
    ("size", "window", "stride"), [(1, 1, 1), (64, 64, 32), (65, 64, 32), (1000, 64, 7), (47, 9, 9)]
)
def test_windows_cover_an_axis_and_weights_add_up_to_1(size, window, stride):
    starts = window_starts(size, window, stride)
    assert starts == sorted(set(starts))
    assert {start + i for start in starts for i in range(window)} == set(range(size))
    assert all(b - a <= stride for a, b in itertools.pairwise(starts))
    weights = blend_weights(size, window, starts)
    assert (weights > 0).all()
    total = torch.zeros(size)
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + window] += weight
    assert torch.allclose(total, torch.ones(size), atol=1e-6)


@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_mirroring_is_that_of_numpy(size):
    expected = np.pad(np.arange(size), (25, 31), mode="reflect")
    np.testing.assert_array_equal(mirrored(-25, size + 31, size), expected)


def test_rows_fit_the_budget():
    assert rows_at_a_time(1000 * 200 * 2, budget=4_000_000) == 8
    assert rows_at_a_time(10**9) == 1


def test_ids_of_the_labels_or_indices(trained, scene, tmp_path):
    config, checkpoint, _ = trained(PIXEL, window=[6, 6], label_ids=[300, 255, 7])
    inferencer = SceneInferencer(config, checkpoint)
    inferencer.write_map(scene[0], tmp_path / "ids.tif")
    inferencer.write_map(scene[0], tmp_path / "indices.tif", ids="index")
    with rasterio.open(tmp_path / "ids.tif") as ids, rasterio.open(tmp_path / "indices.tif") as indices:
        values, classes = ids.read(1), indices.read(1)
        assert (ids.nodata, indices.nodata) == (0, 255)
        expected = np.array([300, 255, 7] + [0] * 253)[classes]
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(read_class_map(tmp_path / "ids.tif").classes, classes)


def test_a_classifier_of_pixels_takes_no_other_window_than_in_training(trained):
    config, checkpoint, _ = trained(PIXEL_CONV, window=[9, 9])
    assert SceneInferencer(config, checkpoint, "cpu", window=9).window == (9, 9)
    for given, said in (
        (dict(window=7), "window 7 given, but .* 9 x 9 around each"),
        (dict(stride=3), "stride 3 given"),
    ):
        with pytest.raises(ConfigError, match=said):
            SceneInferencer(config, checkpoint, "cpu", **given)


@pytest.mark.parametrize("kind", [PIXEL, PIXEL_CONV, SEGMENT], ids=["windows", "rows", "segmentor"])
def test_a_pixel_of_which_no_number_is_made_is_no_class(trained, scene, kind, tmp_path):
    tiny = dict(kind["data_preprocessor"], std=[1e-3] * 4)
    config, checkpoint, _ = trained(dict(kind, data_preprocessor=tiny))
    inferencer = SceneInferencer(config, checkpoint, window=6)
    data = scene[1].copy()
    data[9, 12] = 3e38
    broken = tmp_path / "broken.tif"
    write_cube(broken, HSICube(data, nodata=-9999))
    with pytest.raises(DataError, match=r"what the model makes of \d+ pixels? is no number, first at row \d+, column"):
        inferencer.write_map(broken, tmp_path / "map.tif")
    assert not (tmp_path / "map.tif").exists()
