"""Augmentations of whole batches on the device."""

import pytest
import torch
import torch.nn.functional as F
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors import dihedral, symmetries
from mmhsi.models.rng import BatchRNG
from mmhsi.registry import MODELS


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


@pytest.mark.parametrize("size", [(3, 3), (2, 4)])
def test_pixels_of_a_finer_source_turn_with_its_picture(size):
    cube, finer = torch.randn(200, 2, *size), torch.randn(200, 2, 3 * size[0], 3 * size[1])
    x = torch.cat([cube, F.pixel_unshuffle(finer, 3)], dim=1)
    for element in symmetries(*size):
        turned = dihedral(x, element, (2, 3))
        assert torch.equal(turned[:, :2], dihedral(cube, element))
        assert torch.equal(F.pixel_shuffle(turned[:, 2:], 3), dihedral(finer, element))
    out = MODELS.build(dict(type="BatchDihedral"))(x, BatchRNG(200, "cpu"), (2, 3))
    alike = torch.stack([(out == dihedral(x, element, (2, 3))).flatten(1).all(dim=1) for element in symmetries(*size)])
    assert (alike.sum(dim=0) == 1).all()  # every sample is turned as one
    assert alike.any(dim=1).all()


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


def test_bands_of_a_group_are_lost_together():
    torch.manual_seed(0)
    x = torch.randn(400, 11, 3, 3)
    out = MODELS.build(dict(type="BatchBandDropout", ratio=0.3, group=4))(x, BatchRNG(400, "cpu"))
    lost = (out == 0).all(dim=(2, 3))
    assert torch.equal(torch.where(lost[:, :, None, None], 0.0, x), out)
    for first in (0, 4, 8):
        assert torch.equal(lost[:, first : first + 4].any(dim=1), lost[:, first : first + 4].all(dim=1))
        assert lost[:, first].float().mean().item() == pytest.approx(0.3, abs=0.07)
    assert (lost[:, 0] != lost[:, 4]).any()


@pytest.mark.parametrize("options", [dict(ratio=1), dict(ratio=-0.1), dict(group=0), dict(group=1.5)])
def test_band_dropout_that_cannot_work(options):
    with pytest.raises(ConfigError, match="BatchBandDropout"):
        MODELS.build(dict(type="BatchBandDropout", **options))
