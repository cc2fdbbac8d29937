"""A branch for a finer second source beside a backbone of the cube."""

from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mmhsi.errors import ConfigError
from mmhsi.models import PixelClassifier, TwoSources
from mmhsi.registry import MODELS

CNN = dict(type="CNN2D", embed_dims=16)
SCALES = dict(type="MultiScaleWindows", backbone=CNN)
BACKBONES = {
    "CNN2D": (CNN, 9),
    "HSIViT": (dict(type="HSIViT", arch="tiny", patch_size=1, img_size=9), 9),
    "HSIViT, patches": (dict(type="HSIViT", arch="tiny", patch_size=3, img_size=9), 9),
    "SST": (dict(type="SST", arch="tiny", patch_size=3), 9),
    "SSMAEViT": (dict(type="SSMAEViT", arch="tiny", window=9), 9),
    "SpectralRNN": (dict(type="SpectralRNN"), 9),
    "MultiScaleWindows": (SCALES, 27),
}


def build(backbone: dict = CNN, bands: int = 8, finer: tuple[int, int] = (2, 4), **options: object) -> TwoSources:
    torch.manual_seed(0)
    second = finer[0] * finer[1] ** 2
    config = dict(type="TwoSources", backbone=copy.deepcopy(backbone), in_channels=bands + second)
    return MODELS.build(dict(config, second_bands=second, second_scale=finer[1], **options))


def sources(side: int, scale: int = 4, bands: int = 8, finer_bands: int = 2) -> tuple[Tensor, Tensor]:
    """Random windows of both."""
    return torch.randn(3, bands, side, side), torch.randn(3, finer_bands, scale * side, scale * side)


def packed(cube: Tensor, finer: Tensor) -> Tensor:
    return torch.cat([cube, F.pixel_unshuffle(finer, finer.shape[2] // cube.shape[2])], dim=1)


@torch.inference_mode()
@pytest.mark.parametrize(("scale", "seen"), [(4, 5), (3, 5), (2, 5), (1, 7)])
def test_the_branch_looks_at_the_finer_picture_around_each_pixel(scale: int, seen: int) -> None:
    model = build(finer=(2, scale)).eval()
    cube, finer = sources(9, scale)
    (maps,) = model(packed(cube, finer))
    side = 9 + 1 - seen
    assert maps.shape == (3, model.out_channels, side, side) == (3, 16 + 32, side, side)
    inner = model.backbone(cube)[0]
    lost = (inner.shape[2] - side) // 2
    torch.testing.assert_close(maps[:, :16], inner[:, :, lost : lost + side, lost : lost + side])
    branch, half = model.branch, seen // 2
    centre, middle = side // 2, 9 // 2
    own = finer[..., (middle - half) * scale : (middle + half + 1) * scale, :]
    own = own[..., (middle - half) * scale : (middle + half + 1) * scale]  # of the centre pixel alone
    torch.testing.assert_close(branch(own)[..., 0, 0], maps[:, 16:, centre, centre], atol=1e-5, rtol=0)
    fine = branch.fine(own)
    cut = (fine.shape[2] - 3 * scale) // 2
    means = fine[:, :, cut : cut + 3 * scale, cut : cut + 3 * scale].unflatten(3, (3, scale)).unflatten(2, (3, scale))
    expected = branch.coarse(means.mean(dim=(3, 5)))[..., 0, 0]
    torch.testing.assert_close(maps[:, 16:, centre, centre], expected, atol=1e-5, rtol=0)
    assert maps[:, 16:].std() > 0.01


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_of_all_kinds_learn_and_turn(name: str) -> None:
    backbone, side = BACKBONES[name]
    config = dict(type="TwoSources", backbone=copy.deepcopy(backbone), in_channels=40, second_bands=32, second_scale=4)
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3)
    model = PixelClassifier(config, dict(type="CenterContext"), head, tta=True)
    cube, finer = sources(side)
    model(packed(cube, finer)).square().sum().backward()
    for part in (model.backbone.backbone, model.backbone.branch):
        known = [parameter.grad for parameter in part.parameters()]
        assert sum(grad is not None and bool(grad.abs().max() > 0) for grad in known) > 0.8 * len(known)
    with torch.inference_mode():
        scores = model.eval().predict_scores(packed(cube, finer))
        turned = packed(cube.rot90(1, (2, 3)).flip(3), finer.rot90(1, (2, 3)).flip(3))
        torch.testing.assert_close(model.predict_scores(turned), scores, atol=1e-5, rtol=0)
        model.tta = False
        assert (model.predict_scores(turned) - model.predict_scores(packed(cube, finer))).abs().max() > 1e-4


def test_weights_of_bands_are_those_of_the_cube() -> None:
    few, many = build().state_dict(), build(bands=11).state_dict()
    differing = {key for key in few if few[key].shape != many[key].shape}
    assert differing == build().band_axes().keys() == {"backbone.reduce.weight"}


@pytest.mark.parametrize(("second_bands", "second_scale"), [(0, 4), (40, 4), (12, 4), (-16, 4)])
def test_there_is_a_packed_second_source(second_bands: int, second_scale: int) -> None:
    with pytest.raises(ConfigError, match=rf"second_bands={second_bands} of in_channels=40 given, expected fewer, and"):
        TwoSources(CNN, 40, second_bands, second_scale)


@pytest.mark.parametrize(("backbone", "side"), [(CNN, 3), (dict(type="HSIViT", arch="tiny", patch_size=2), 8)])
def test_sizes_that_have_no_common_middle_are_refused(backbone: dict, side: int) -> None:
    model = build(backbone, finer=(2, 1) if side == 8 else (2, 4))
    cube, finer = sources(side, model.finer[1])
    if side == 8:  # a map of 4 x 4 patches and one of 2 x 2 pixels: fine
        assert model(packed(cube, finer))[0].shape[2:] == (2, 2)
        cube, finer = sources(9, 1)  # of 5 x 5 patches, and of 3 x 3
        assert model(packed(cube, finer))[0].shape[2:] == (3, 3)
        cube, finer = sources(10, 1)  # of 5 x 5, and of 4 x 4
    told = (
        "take odd windows and odd patches" if side == 8 else "windows of 3 x 3 .* 5 x 5 at least; .* dataset.window=9"
    )
    with pytest.raises(ConfigError, match=told):
        model(packed(cube, finer))


@pytest.mark.parametrize(
    ("backbone", "refused", "taken"),
    [
        (CNN, (3, 4), (5, 8, 9)),
        (dict(type="HSIViT", arch="tiny", patch_size=3), (3, 4), (9, 15)),
        (dict(type="MultiScaleWindows", backbone=CNN), (3, 9 + 4), (9, 27)),
    ],
)
def test_windows_are_checked_before_the_first_batch(
    backbone: dict, refused: tuple[int, ...], taken: tuple[int, ...]
) -> None:
    model = build(backbone)
    before = copy.deepcopy(model.state_dict())
    for side in refused:
        with pytest.raises(ConfigError, match="window"):
            model.check_window((side, side))
    for side in taken:
        model.check_window((side, side))
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
