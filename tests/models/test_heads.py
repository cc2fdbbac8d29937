"""Decode heads, necks and the pixel classifier."""

import pytest
import torch
import torch.nn.functional as F

from mmhsi.errors import ConfigError
from mmhsi.models import CenterContext
from mmhsi.models.preprocessors import dihedral
from mmhsi.registry import MODELS


def test_multiscale_linear_head_by_hand():
    head = MODELS.build(
        dict(
            type="MultiscaleLinearHead",
            in_channels=[3, 5],
            in_index=[0, 1],
            num_classes=2,
            loss_decode=dict(type="CrossEntropyLoss"),
        )
    ).eval()
    first, second = torch.randn(2, 3, 8, 6), torch.randn(2, 5, 4, 3)
    x = torch.cat([first, F.interpolate(second, size=(8, 6), mode="bilinear", align_corners=False)], dim=1)
    x = (x - head.norm.running_mean[:, None, None]) / (head.norm.running_var[:, None, None] + head.norm.eps).sqrt()
    x = x * head.norm.weight[:, None, None] + head.norm.bias[:, None, None]
    expected = F.conv2d(x, head.conv_seg.weight, head.conv_seg.bias)
    assert torch.allclose(head([first, second]), expected, atol=1e-5)


def test_linear_head_has_one_linear_map_and_a_batch_norm():
    head = MODELS.build(
        dict(
            type="MultiscaleLinearHead",
            in_channels=[128] * 4,
            in_index=[0, 1, 2, 3],
            num_classes=24,
            loss_decode=dict(type="CrossEntropyLoss"),
        )
    )
    assert sum(p.numel() for p in head.parameters()) == 512 * 24 + 24 + 2 * 512


@pytest.mark.parametrize(("size", "centre"), [((3, 3), [4]), ((4, 4), [5, 6, 9, 10]), ((3, 4), [5, 6]), ((1, 1), [0])])
def test_centre_context_joins_the_middle_and_the_mean(size, centre):
    x = torch.randn(2, 5, *size)
    (features,) = CenterContext()((torch.zeros(1), x))
    flat = x.flatten(2)
    assert torch.allclose(features[:, :5], flat[:, :, centre].mean(-1), atol=1e-6)
    assert torch.allclose(features[:, 5:], flat.mean(-1), atol=1e-6)


def classifier(tta):
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="PixelClassifier",
            tta=tta,
            data_preprocessor=dict(type="ScenePreprocessor", num_bands=4),
            backbone=dict(type="HSIViT", in_channels=4, arch="tiny", img_size=6, patch_size=2),
            neck=dict(type="CenterContext"),
            head=dict(
                type="mmpretrain.LinearClsHead",
                in_channels=256,
                num_classes=3,
                loss=dict(type="mmpretrain.CrossEntropyLoss"),
            ),
        )
    )
    model.init_weights()
    return model.eval()


def test_test_time_augmentation_averages_the_symmetries():
    x = torch.randn(5, 4, 6, 6)
    plain, averaged = classifier(False), classifier(True)
    slow = torch.stack([plain(dihedral(x, e), mode="tensor").softmax(1) for e in range(8)]).mean(0)
    assert torch.allclose(averaged.predict_scores(x), slow, atol=1e-6)
    assert torch.allclose(averaged.predict_scores(x), averaged.predict_scores(x.rot90(1, (2, 3))), atol=1e-5)
    assert not torch.allclose(plain.predict_scores(x), averaged.predict_scores(x), atol=1e-6)


def test_on_a_cpu_many_windows_take_several_passes_of_which_none_is_left_out(monkeypatch):
    monkeypatch.setattr("mmhsi.models.classifiers.PASS", 2)
    model, x, sizes = classifier(True), torch.randn(1 + 5 * torch.get_num_threads(), 4, 6, 6), []
    model.backbone.register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    scores = model.predict_scores(x)
    assert max(sizes) == 2 * torch.get_num_threads()
    assert sum(sizes) == 8 * len(x)
    slow = torch.stack([model(dihedral(x, e), mode="tensor").softmax(1) for e in range(8)]).mean(0)
    torch.testing.assert_close(scores, slow, rtol=0, atol=1e-6)


def cnn_head(**arguments):
    loss = dict(type="CrossEntropyLoss")
    return MODELS.build(dict(type="CNNHead", in_channels=5, num_classes=4, channels=6, loss_decode=loss, **arguments))


def test_cnn_head_has_the_papers_nine_layers():
    head = cnn_head().eval()
    layers = [m for m in head.blocks.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
    assert [layer.kernel_size[0] for layer in layers] == [2, 3, 3] * 3
    assert head([torch.randn(1, 5, 16, 16)]).shape == (1, 4, 128, 128)


def test_cnn_head_without_upsampling_is_two_convolutions():
    head = cnn_head(num_upsamples=0).eval()
    layers = [m for m in head.blocks.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
    assert [layer.kernel_size[0] for layer in layers] == [3, 3]
    assert head([torch.randn(1, 5, 7, 4)]).shape == (1, 4, 7, 4)


def test_cnn_head_by_hand():
    head = cnn_head(num_upsamples=1).eval()
    x = torch.randn(2, 5, 3, 4)
    up, (first, second) = head.blocks[0]
    expected = torch.einsum("bihw,iokl->bohkwl", x, up.weight).reshape(2, 6, 6, 8) + up.bias[:, None, None]
    for module in (first, second):
        norm = module.norm
        expected = F.conv2d(expected, module.conv.weight, padding=1)
        expected = (expected - norm.running_mean[:, None, None]) / (norm.running_var[:, None, None] + norm.eps).sqrt()
        expected = (expected * norm.weight[:, None, None] + norm.bias[:, None, None]).clamp(min=0)
    expected = F.conv2d(expected, head.conv_seg.weight, head.conv_seg.bias)
    assert torch.allclose(head([torch.zeros(1), x]), expected, atol=1e-5)
    with pytest.raises(ConfigError, match="num_upsamples=-1"):
        cnn_head(num_upsamples=-1)
