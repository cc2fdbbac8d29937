"""What SS-MAE's fine-tuning adds to its encoder: convolutions of each source, and a second source."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mmhsi.datasets.scene import Scene
from mmhsi.io import HSICube
from mmhsi.models.backbones.ss_mae_fusion import CubeCNN, SSMAEFusion
from mmhsi.models.weights import load_weights
from mmhsi.registry import MODELS

SMALL = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=24)


def trainable(module):
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def a_scene(second):
    """A scene of 6 bands, and one of 2 bands that is twice finer."""
    rng = np.random.default_rng(3)
    finer = rng.normal(size=(40, 44, 2)).astype(np.float32) if second else None
    cube = HSICube(rng.normal(size=(20, 22, 6)).astype(np.float32))
    return Scene(cube, np.ones((20, 22), bool), list(range(6)), 6, finer, 2 if second else 1)


@pytest.mark.parametrize("second", [0, 2])
def test_one_and_two_sources(second):
    preprocessor = dict(type="ScenePreprocessor", num_bands=6, mean=[0.0] * 6, std=[1.0] * 6, second_bands=second)
    torch.manual_seed(0)
    model = MODELS.build(
        dict(
            type="SSMAE",
            backbone=dict(type="SSMAEViT", in_channels=6 + second, arch=SMALL, window=5, patch_size=1),
            spatial_masking=dict(type="RandomMasking", ratio=0.4),
            spectral_masking=dict(type="SpectralMasking", ratio=0.4),
            data_preprocessor=preprocessor,
            decoder_embed_dims=8,
            decoder_depth=1,
            decoder_num_heads=2,
        )
    )
    if second:
        model.data_preprocessor.second_normaliser.fit(torch.zeros(2), torch.ones(2))
    scene = a_scene(second)
    model.data_preprocessor.attach(scene, (5, 5))
    rows, columns = torch.tensor([2, 5, 11]), torch.tensor([3, 2, 14])
    batch = model.data_preprocessor(dict(scene=scene.key, size=(5, 5), row=rows, column=columns), training=True)
    made = model.reconstruct(batch["inputs"])
    assert made["pixels"].target.shape == (3, 6 + second, 5, 5)
    for b, (top, left) in enumerate([(0, 1), (3, 0), (9, 12)]):
        window = scene.cube.data[top : top + 5, left : left + 5, 2]
        np.testing.assert_array_equal(made["bands"].target[b, 2], window)
        if second:  # the cell at row 1, column 4 covers 2 x 2 finer pixels
            cell = scene.second[2 * top + 2 : 2 * top + 4, 2 * left + 8 : 2 * left + 10, 1]
            assert made["bands"].target[b, 7, 1, 4].item() == pytest.approx(cell.mean().item(), abs=1e-6)
    assert all(value.isfinite() for value in model(**batch, mode="loss").values())


def linear(before, after):
    return before * after + after


@pytest.mark.parametrize(
    ("bands", "second", "components", "classes", "public", "public_finetuning"),
    [(51, 1, 20, 20, 7_613_922, 4_586_642), (248, 4, 30, 8, 7_875_735, 4_951_849)],
)
def test_parameters_by_hand(bands, second, components, classes, public, public_finetuning):
    attention, norms = linear(256, 768) + linear(256, 256), 2 * 2 * 256
    gated, plain = 2 * linear(256, 1024) + linear(1024, 256), linear(256, 1024) + linear(1024, 256)
    embeddings = linear(bands, 256) + linear(49, 256)
    encoder_size = 4 * (attention + norms + gated) + embeddings + 2 * 256 + 2 * 256  # 2 CLS, a shared LayerNorm
    model = MODELS.build(
        dict(
            type="SSMAE",
            backbone=dict(type="SSMAEViT", in_channels=bands),
            data_preprocessor=dict(type="TilePreprocessor", num_bands=bands),
        )
    )
    assert trainable(model.backbone) == encoder_size
    predictions = linear(256, bands) + linear(256, 49)
    decoders = 2 * (linear(256, 256) + 256 + 2 * (attention + norms + plain) + 2 * 256) + predictions
    assert trainable(model) == encoder_size + decoders
    # The public code has, in its decoders: patch embeddings, CLS and a LayerNorm that nothing uses; the mask tokens as
    # embeddings of grey patches; two LayerNorms that nothing uses and two on the prediction, with a map after each; no
    # final LayerNorms and no mask tokens.
    unused = embeddings + 2 * 256 + 2 * 256 + 2 * (bands + 49)
    in_place = embeddings + 2 * (bands + 49) + linear(bands, bands) + linear(49, 49)
    assert trainable(model) == public - unused - in_place + 2 * 2 * 256 + 2 * 256

    fusion = SSMAEFusion(bands, second_bands=second, num_components=components)
    second_convs = linear(9 * second, 64) + 2 * linear(9 * 64, 64) + 3 * 2 * 64
    convs = linear(9 * 9, 4) + linear(4 * 7 * 9, 8) + linear(8 * 5 * 9, 16) + 2 * (4 + 8 + 16)
    left = [components - 6, components - 10, components - 12]
    cube = linear(bands - second, components) + convs + linear(16 * left[2], 128) + 2 * 128
    assert trainable(fusion) == encoder_size + second_convs + cube
    # The public model has 1x1 convolutions with BatchNorm between the 3-D ones, a head of two maps that nothing uses,
    # and a 1x1 convolution to as many values as there are tokens, from which the classes are read.
    between = [(components, components), (4 * left[0], 8 * left[0]), (8 * left[0], 4 * left[0])]
    between += [(8 * left[1], 16 * left[1]), (16 * left[1], 8 * left[1]), (16 * left[2], 32 * left[2])]
    public_cube = convs + sum(linear(*pair) + 2 * pair[1] for pair in [*between, (32 * left[2], 128)])
    unused_head, tokens = linear(512, 256) + linear(256, classes), 49 + bands + 2
    public_rest = unused_head + linear(192, tokens) + linear(tokens, classes)
    assert encoder_size + second_convs + public_cube + public_rest == public_finetuning


def slow_conv3d(conv, x, pad=0):
    """3-D convolution of (c, D, H, W), padded in depth, with loops over output values; `pad` in space."""
    x, (depth, height, width) = F.pad(x, (pad,) * 4 + (1, 1)), conv.kernel_size
    shape = (x.shape[1] - depth + 1, x.shape[2] - height + 1, x.shape[3] - width + 1)
    out = torch.empty(conv.out_channels, *shape)
    for d in range(shape[0]):
        for i in range(shape[1]):
            for j in range(shape[2]):
                block = x[:, d : d + depth, i : i + height, j : j + width]
                out[:, d, i, j] = (conv.weight * block).sum((1, 2, 3, 4)) + conv.bias
    return out


def by_hand(cnn, x, pad=0):
    y = torch.einsum("kc,chw->khw", cnn.reduce.weight[:, :, 0, 0], x) + cnn.reduce.bias[:, None, None]
    y = y[None]
    for conv in (cnn.convs[0], cnn.convs[3], cnn.convs[6]):
        y = F.gelu(slow_conv3d(conv, y, pad) / math.sqrt(1 + 1e-5))  # BatchNorm as it is made: mean 0, variance 1
    flat = torch.stack([y[channel, depth] for channel in range(16) for depth in range(2)])  # 14 components less 12
    out = torch.einsum("oc,chw->ohw", cnn.project[0].weight[:, :, 0, 0], flat) + cnn.project[0].bias[:, None, None]
    return F.gelu(out / math.sqrt(1 + 1e-5))


@torch.no_grad()
def test_the_cubes_convolutions():
    torch.manual_seed(0)
    cnn = CubeCNN(5, 14, 7).eval()
    x = torch.randn(1, 5, 8, 7)
    expected = by_hand(cnn, x[0])
    assert expected.shape == (7, 2, 1)
    assert torch.allclose(cnn(x)[0][0], expected, atol=1e-5)


@torch.no_grad()
def test_of_every_pixel_the_same_in_every_window():
    """The CNNs' features of rows at once are those of each window's centre, since nothing stands in for pixels."""
    torch.manual_seed(0)
    model = SSMAEFusion(8, second_bands=2, arch=SMALL).eval()
    image = torch.randn(1, 8, 9, 11)
    at_once = model(image)[0][0, 32:]
    for row, column in [(0, 0), (1, 3), (2, 4)]:
        window = model(image[:, :, row : row + 7, column : column + 7])[0][0, 32:]
        assert torch.allclose(window, window[:, :1, :1].expand_as(window))
        assert torch.allclose(window[:, 3, 3], at_once[:, row + 3, column + 3], atol=1e-5)
    assert torch.equal(at_once[:, 0, 0], at_once[:, 3, 3])  # the border repeats the nearest whole neighbourhood
    assert torch.equal(at_once[:, 8, 5], at_once[:, 5, 5])
    assert not torch.equal(at_once[:, 4, 3], at_once[:, 3, 3])


@torch.no_grad()
@pytest.mark.parametrize("load", ["torch", "checked"])
def test_weights_of_before_pad_as_they_did(load, tmp_path):
    torch.manual_seed(0)
    now = SSMAEFusion(8, second_bands=2, num_components=14, arch=SMALL).eval()
    before = {key: value for key, value in now.state_dict().items() if "unpadded" not in key}
    assert len(now.state_dict()) - len(before) == 2
    then = SSMAEFusion(8, second_bands=2, num_components=14, arch=SMALL).eval()
    if load == "torch":
        then.load_state_dict(before)
    else:
        torch.save(dict(state_dict={f"backbone.{key}": value for key, value in before.items()}), tmp_path / "a.pth")
        load_weights(then, tmp_path / "a.pth", "backbone.")
    x = torch.randn(1, 8, 5, 7)
    expected = by_hand(now.cnn["cube"], x[0, :6], pad=1)
    assert torch.allclose(then(x)[0][0, 32:160], expected, atol=1e-5)
    assert then.state_dict().keys() == before.keys()
    then.load_state_dict(now.state_dict())
    assert torch.equal(then(x)[0], now(x)[0])
    encoder = {key: value for key, value in before.items() if not key.startswith("cnn")}  # of a pretraining
    then.load_state_dict(encoder, strict=False)
    assert torch.equal(then(x)[0], now(x)[0])


def test_each_cnn_sees_its_own_source():
    torch.manual_seed(0)
    two = SSMAEFusion(8, second_bands=2, arch=SMALL, window=5).eval()
    x = torch.randn(1, 8, 5, 5)
    base = two(x)[0]
    assert base.shape[1] == two.out_channels == 32 + 128 + 64
    for changed, cube, second in ((5, True, False), (6, False, True)):
        y = x.clone()
        y[:, changed] += 1
        different = (two(y)[0] != base).any(dim=(0, 2, 3))
        assert different[:32].any()
        assert different[32:160].any() == cube
        assert different[160:].any() == second
    one = SSMAEFusion(6, arch=SMALL, window=5).eval()
    assert set(one.cnn) == {"cube"}
    assert one(x[:, :6])[0].shape[1] == one.out_channels == 32 + 128
