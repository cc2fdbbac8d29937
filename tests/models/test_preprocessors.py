"""Normalisation, window gathering and batch augmentation."""

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors import dihedral, gather_windows, symmetries
from mmhsi.models.rng import BatchRNG
from mmhsi.registry import MODELS

pytestmark = pytest.mark.usefixtures("scope")


@pytest.mark.parametrize(
    ("dtype", "window"),
    [
        ("uint8", (1, 1)),
        ("uint16", (3, 3)),
        ("int16", (4, 4)),
        ("int32", (5, 2)),
        ("float32", (5, 5)),
        ("float64", (2, 5)),
    ],
)
def test_windows_equal_slicing_one_by_one(dtype, window):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 200, (9, 11, 7)).astype(dtype)
    h, w = window
    margins = ((h // 2, (h - 1) // 2), (w // 2, (w - 1) // 2), (0, 0))
    padded = np.pad(scene, margins, mode="reflect")
    rows, columns = rng.integers(0, 9, 20), rng.integers(0, 11, 20)
    cut = gather_windows(torch.from_numpy(padded), torch.from_numpy(rows), torch.from_numpy(columns), window)
    assert cut.dtype == torch.from_numpy(scene).dtype
    for got, row, column in zip(cut.numpy(), rows, columns, strict=True):
        np.testing.assert_array_equal(got, padded[row : row + h, column : column + w])
        assert (got[h // 2, w // 2] == scene[row, column]).all()


def scene_batch(labels=(0, 1, -1), window=(3, 3)):
    scene = torch.randint(0, 9000, (12, 12, 5)).to(torch.uint16)
    valid = torch.rand(12, 12) > 0.3
    second = torch.randint(0, 255, (24, 24, 2)).to(torch.uint8)
    shared = dict(scene=scene, valid=valid, second=second, scale=2, height=window[0], width=window[1])
    places = [np.array([i]) for i in range(len(labels))]
    samples = [
        dict(shared, top=place, left=2 * place, label=np.array([label]))
        for place, label in zip(places, labels, strict=True)
    ]
    return scene, valid, pseudo_collate(samples)


def test_scene_preprocessor_normalises_per_band_and_blanks_nodata():
    mean, std = [10.0, 20, 30, 40, 50], [1.0, 2, 3, 4, 0]
    preprocessor = MODELS.build(dict(type="ScenePreprocessor", num_bands=5, mean=mean, std=std))
    preprocessor.with_valid = True
    scene, valid, batch = scene_batch()
    out = preprocessor(batch)
    for i in range(3):
        window = scene[i : i + 3, 2 * i : 2 * i + 3].double()
        expected = (window - torch.tensor(mean)) / torch.tensor([1.0, 2, 3, 4, 1])  # a band without spread keeps scale
        expected[~valid[i : i + 3, 2 * i : 2 * i + 3]] = 0
        assert torch.allclose(out["inputs"][i].permute(1, 2, 0).double(), expected, rtol=1e-5)
        assert torch.equal(out["valid"][i], valid[i : i + 3, 2 * i : 2 * i + 3])
    assert [s.gt_label.tolist() for s in out["data_samples"]] == [[0], [1], [-1]]


@pytest.mark.parametrize("mode", ["concat", "texture", "separate"])
def test_a_second_source_is_cut_from_the_same_ground(mode):
    preprocessor = MODELS.build(
        dict(type="ScenePreprocessor", num_bands=5, mean=[0.0] * 5, std=[1.0] * 5, second_bands=2, second=mode)
    )
    preprocessor.second_normaliser.fit(torch.tensor([10.0, 20]), torch.tensor([2.0, 4]))
    _, valid, batch = scene_batch()
    out = preprocessor(batch)
    for i in range(3):
        fine = batch["second"][0][2 * i : 2 * i + 6, 4 * i : 4 * i + 6].float()
        fine = (fine - torch.tensor([10.0, 20])) / torch.tensor([2.0, 4])
        mask = valid[i : i + 3, 2 * i : 2 * i + 3]
        fine[~mask.repeat_interleave(2, 0).repeat_interleave(2, 1)] = 0
        if mode == "separate":
            assert torch.allclose(out["second"][i].permute(1, 2, 0), fine, atol=1e-5)
        else:
            squares = fine.view(3, 2, 3, 2, 2).permute(0, 2, 4, 1, 3).flatten(3).numpy()
            coarse = np.concatenate([squares.mean(-1), squares.std(-1)][: 1 + (mode == "texture")], axis=2)
            np.testing.assert_allclose(out["inputs"][i, 5:].permute(1, 2, 0), coarse, atol=1e-5)
    assert out["inputs"].shape == (3, {"concat": 7, "texture": 9, "separate": 5}[mode], 3, 3)
    before = out["inputs"]
    preprocessor.second_normaliser.fit(torch.zeros(2), torch.ones(2))
    assert mode == "separate" or not torch.equal(preprocessor(batch)["inputs"], before), "old statistics are kept"


def test_windows_need_not_be_square():
    preprocessor = MODELS.build(dict(type="ScenePreprocessor", num_bands=5, mean=[0] * 5, std=[1] * 5))
    scene, valid, batch = scene_batch(window=(2, 5))
    out = preprocessor(batch)["inputs"]
    assert out.shape == (3, 5, 2, 5)
    expected = torch.where(valid[2:4, 4:9, None], scene[2:4, 4:9].float(), 0.0)
    assert torch.equal(out[2].permute(1, 2, 0), expected)


def test_refitted_statistics_are_used():
    preprocessor = MODELS.build(dict(type="ScenePreprocessor", num_bands=5, mean=[0] * 5, std=[1] * 5))
    batch = scene_batch()[2]
    before = preprocessor(batch)["inputs"]
    preprocessor.fit(torch.zeros(5), torch.full((5,), 2.0))
    assert torch.allclose(preprocessor(batch)["inputs"], before / 2)
    other = MODELS.build(dict(type="ScenePreprocessor", num_bands=5, mean=[0] * 5, std=[4] * 5))
    preprocessor.load_state_dict(other.state_dict())
    assert torch.allclose(preprocessor(batch)["inputs"], before / 4)


def test_clip():
    preprocessor = MODELS.build(dict(type="ScenePreprocessor", num_bands=5, mean=[0] * 5, std=[1] * 5, clip=3.0))
    assert preprocessor(scene_batch()[2])["inputs"].max() == 3


def test_tiles_of_two_sizes_are_padded_with_the_mean_and_ignored_labels():
    preprocessor = MODELS.build(dict(type="TilePreprocessor", num_bands=2, mean=[5.0, 5], std=[2.0, 2]))
    preprocessor.with_valid = True
    sizes = [(4, 6), (5, 3)]
    samples = [SegDataSample(gt_sem_seg=PixelData(data=torch.ones(1, *size, dtype=torch.int64))) for size in sizes]
    batch = dict(
        inputs=[torch.full((2, *size), 9, dtype=torch.int16) for size in sizes],
        valid=[torch.ones(size, dtype=torch.bool) for size in sizes],
        data_samples=samples,
    )
    out = preprocessor(batch)
    assert out["inputs"].shape == (2, 2, 5, 6)
    for i, (h, w) in enumerate(sizes):
        assert (out["inputs"][i, :, :h, :w] == 2).all()
        assert out["inputs"][i].sum() == 2 * 2 * h * w
        assert out["valid"][i].sum() == h * w
        labels = out["data_samples"][i].gt_sem_seg.data
        assert (labels[0, :h, :w] == 1).all()
        assert (labels == 255).sum() == 30 - h * w


def test_statistics_travel_with_the_weights():
    first, second = (MODELS.build(dict(type="TilePreprocessor", num_bands=3)) for _ in range(2))
    first.fit(torch.tensor([1.0, 2, 3]), torch.tensor([4.0, 5, 6]))
    second.load_state_dict(first.state_dict())
    x = torch.randn(1, 3, 2, 2)
    assert torch.equal(second.normalise(x), first.normalise(x))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (dict(mean=[1.0]), "both mean and std"),
        (dict(mean=[1.0], std=[1.0]), "1 values given, expected num_bands=3"),
        (dict(mean=[1.0, float("nan"), 1], std=[1.0] * 3), "value of band 1 is not finite"),
    ],
)
def test_statistics_are_checked(build, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(dict(type="TilePreprocessor", num_bands=3, **build))


def test_use_before_fitting_and_other_bands_are_refused():
    preprocessor = MODELS.build(dict(type="TilePreprocessor", num_bands=3))
    with pytest.raises(ConfigError, match="mean and std are not set"):
        preprocessor.normalise(torch.zeros(1, 3, 2, 2))
    with pytest.raises(ConfigError, match="input has 4 bands, the model expects num_bands=3"):
        preprocessor.normalise(torch.zeros(1, 4, 2, 2))


def test_the_eight_symmetries_are_different_and_form_a_group():
    x = torch.arange(9.0).view(1, 1, 3, 3)
    images = {tuple(dihedral(x, e).flatten().tolist()) for e in symmetries(3, 3)}
    assert len(images) == 8
    twice = {tuple(dihedral(dihedral(x, a), b).flatten().tolist()) for a in range(8) for b in range(8)}
    assert twice == images
    assert all(dihedral(torch.zeros(1, 1, 2, 3), e).shape == (1, 1, 2, 3) for e in symmetries(2, 3))


@pytest.mark.parametrize("size", [(3, 3), (2, 4)])
def test_batch_dihedral_draws_per_sample_and_keeps_spectra_together(size):
    torch.manual_seed(0)
    one = torch.arange(2 * size[0] * size[1], dtype=torch.float32).view(1, 2, *size)
    out = MODELS.build(dict(type="BatchDihedral"))(one.repeat(200, 1, 1, 1), BatchRNG(200, "cpu"))
    allowed = {tuple(dihedral(one, e).flatten().tolist()) for e in symmetries(*size)}
    assert {tuple(x.flatten().tolist()) for x in out} == allowed


def test_pixels_without_data_turn_with_the_image():
    torch.manual_seed(0)
    preprocessor = MODELS.build(
        dict(type="TilePreprocessor", num_bands=2, mean=[0, 0], std=[1, 1], augments=[dict(type="BatchDihedral")])
    )
    preprocessor.with_valid = True
    tile = torch.randn(2, 4, 4)
    valid = tile[0] > 0
    batch = preprocessor(dict(inputs=[tile] * 50, valid=[valid] * 50), training=True)
    assert len({tuple(mask.flatten().tolist()) for mask in batch["valid"]}) > 4
    assert batch["valid"].dtype == torch.bool
    assert torch.equal(batch["inputs"][:, 0] > 0, batch["valid"])  # 0, the mean, where there is no data


def test_label_maps_are_not_left_behind():
    preprocessor = MODELS.build(
        dict(type="TilePreprocessor", num_bands=2, mean=[0, 0], std=[1, 1], augments=[dict(type="BatchDihedral")])
    )
    sample = SegDataSample(gt_sem_seg=PixelData(data=torch.zeros(1, 4, 4)))
    data = dict(inputs=[torch.randn(2, 4, 4)], valid=[torch.ones(4, 4, dtype=torch.bool)], data_samples=[sample])
    with pytest.raises(ConfigError, match="BatchDihedral in augments turns images and not their label maps"):
        preprocessor(data, training=True)
    assert preprocessor(data)["inputs"].shape == (1, 2, 4, 4)


@pytest.mark.parametrize("shape", [(5, 3, 4, 4), (5, 3, 2, 4), (5, 1, 3, 3), (1, 3, 1, 1)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_batch_dihedral_is_a_choice_among_whole_symmetries(shape, layout):
    x = torch.randn(shape).contiguous(memory_format=layout)
    elements = symmetries(*shape[2:])
    torch.manual_seed(7)
    draw = torch.randint(len(elements), (len(x),))
    expected = torch.empty_like(x)
    for index, element in enumerate(elements):
        expected = torch.where((draw == index)[:, None, None, None], dihedral(x, element), expected)
    torch.manual_seed(7)
    out = MODELS.build(dict(type="BatchDihedral"))(x, BatchRNG(len(x), "cpu"))
    assert torch.equal(out, expected)
    assert out.is_contiguous() == x.is_contiguous()


def test_gain_and_offset_are_one_draw_a_sample():
    torch.manual_seed(0)
    x = torch.randn(500, 6, 2, 2)
    out = MODELS.build(dict(type="BatchGainOffset", gain=0.2, offset=0.3))(x, BatchRNG(500, "cpu"))
    for before, after in zip(x, out, strict=True):
        a, b = before.flatten(), after.flatten()
        design = torch.stack([a, torch.ones_like(a)], dim=1)
        assert torch.linalg.lstsq(design, b[:, None]).solution.isfinite().all()
        assert torch.allclose(design @ torch.linalg.lstsq(design, b[:, None]).solution, b[:, None], atol=1e-4)
    gains = out.flatten(1).std(1) / x.flatten(1).std(1)
    assert gains.std().item() == pytest.approx(0.2, rel=0.15)


def test_smooth_shift_is_smooth_along_the_bands():
    torch.manual_seed(0)
    x = torch.zeros(300, 100, 1, 1)
    augment = MODELS.build(dict(type="BatchGainOffset", gain=0, offset=0, smooth=1.0, knots=5))
    out = augment(x, BatchRNG(300, "cpu"))[:, :, 0, 0]
    assert out.std() > 0.5
    assert (out[:, 1:] - out[:, :-1]).std() < 0.1


def test_noise_has_the_strength_asked_for():
    torch.manual_seed(0)
    out = MODELS.build(dict(type="BatchNoise", std=0.4))(torch.zeros(50, 20, 8, 8), BatchRNG(50, "cpu"))
    assert out.std().item() == pytest.approx(0.4, rel=0.02)
