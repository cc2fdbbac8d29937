"""Windows of several scales around a pixel."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import MultiScaleWindows, PixelClassifier
from mmhsi.registry import MODELS

CNN = dict(type="CNN2D", embed_dims=16)
NETWORKS = {
    "CNN2D": CNN,
    "HSIViT": dict(type="HSIViT", arch="tiny", patch_size=1, img_size=9),
    "IMAEViT": dict(type="IMAEViT", arch="tiny"),
    "SSMAEViT": dict(type="SSMAEViT", arch="tiny", window=9),
    "SST": dict(type="SST", arch="tiny", patch_size=3),
    "SpectralRNN": dict(type="SpectralRNN"),
}


def build(network: dict = CNN, bands: int = 8, **options: object) -> MultiScaleWindows:
    torch.manual_seed(0)
    return MODELS.build(dict(type="MultiScaleWindows", backbone=copy.deepcopy(network), in_channels=bands, **options))


def views(window: np.ndarray, scales: tuple[int, ...]) -> list[np.ndarray]:
    """What a pixel's networks see, (C, n, n), block by block around the window's middle."""
    sides = [side // max(scales) for side in window.shape[1:]]
    found = []
    for scale in scales:
        view = np.empty((len(window), *sides))
        for row in range(sides[0]):
            for column in range(sides[1]):
                middle = [side // 2 for side in window.shape[1:]]
                i, j = (at + (k - n // 2) * scale for at, k, n in zip(middle, (row, column), sides, strict=True))
                reach = scale // 2
                view[:, row, column] = window[:, i - reach : i + reach + 1, j - reach : j + reach + 1].mean(axis=(1, 2))
        found.append(view)
    return found


@torch.inference_mode()
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("scales", [(1, 3), (5, 1, 3)])
def test_every_scale_sees_means_around_the_middle(scales: tuple[int, ...], shared: bool) -> None:
    model = build(scales=scales, shared=shared).eval()
    side = 7 * max(scales)
    x = torch.randn(2, 8, side, side + 2 * max(scales))
    (found,) = model(x)
    assert found.shape[1] == model.out_channels == 16 * len(scales)
    assert len(model.networks) == (1 if shared else len(scales))
    seen = [torch.tensor(np.stack(each)).float() for each in zip(*(views(w, scales) for w in x.numpy()), strict=True)]
    assert seen[0].shape == (2, 8, 7, 9)
    parts = [model.networks[0 if shared else index](view)[0] for index, view in enumerate(seen)]
    torch.testing.assert_close(found, torch.cat(parts, dim=1), atol=1e-5, rtol=0)
    assert (parts[0] - parts[1]).abs().max() > 0.01


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_all_kinds_learn(name: str, shared: bool) -> None:
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3)
    scales = dict(type="MultiScaleWindows", backbone=copy.deepcopy(NETWORKS[name]), in_channels=8, shared=shared)
    model = PixelClassifier(scales, dict(type="CenterContext"), head, tta=True)
    scores = model(torch.randn(4, 8, 27, 27))
    scores.square().sum().backward()
    known = [parameter.grad for parameter in model.backbone.parameters()]
    assert sum(grad is not None and bool(grad.abs().max() > 0) for grad in known) > 0.8 * len(known)
    x = torch.randn(2, 8, 27, 27)
    with torch.inference_mode():
        turned = model.eval().predict_scores(x.rot90(1, (2, 3)).flip(3))
        torch.testing.assert_close(turned, model.predict_scores(x), atol=1e-5, rtol=0)


def test_a_shared_network_learns_the_batch_statistics_of_all_scales() -> None:
    model = build(shared=True).train()
    x = torch.randn(4, 8, 27, 27)
    model(x)
    norm = model.networks[0].layers[0]
    both = torch.cat([x[:, :, 9:-9, 9:-9], torch.nn.functional.avg_pool2d(x, 3)])
    expected = model.networks[0].reduce(both).mean(dim=(0, 2, 3))
    torch.testing.assert_close(norm.running_mean, 0.1 * expected)  # from 0, momentum 0.1
    assert norm.num_batches_tracked == 1


def test_weights_of_bands_and_depths_are_those_of_the_networks() -> None:
    model = build(NETWORKS["HSIViT"])
    few, many = model.state_dict(), build(NETWORKS["HSIViT"], 11).state_dict()
    differing = {key for key in few if few[key].shape != many[key].shape}
    assert differing == model.band_axes().keys() == {f"networks.{i}.patch_embed.projection.weight" for i in (0, 1)}
    inner = model.networks[0]
    for name, _ in inner.named_parameters():
        for index in (0, 1):
            key = f"backbone.networks.{index}.{name}"
            assert model.get_layer_depth(key, "backbone.") == inner.get_layer_depth(f"b.{name}", "b."), key
    assert model.get_layer_depth("head.fc.weight", "backbone.") == inner.get_layer_depth("head.fc.weight", "b.")
    with pytest.raises(ConfigError, match="MultiScaleWindows: layer-wise learning rates: CNN2D is no LayeredBackbone"):
        build().get_layer_depth("head.fc.weight")


def test_a_branch_for_a_finer_source_lies_around_the_scales() -> None:
    with pytest.raises(ConfigError, match="takes no TwoSources; give that a MultiScaleWindows"):
        build(dict(type="TwoSources", backbone=CNN, second_bands=4, second_scale=2))


@pytest.mark.parametrize("scales", [(), (2,), (1, 2), (3, 3)])
def test_scales_are_different_odd_numbers(scales: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"MultiScaleWindows: scales=\(.*\) given, expected different odd numbers"):
        build(scales=scales)
    with pytest.raises(ConfigError, match=r"MultiScaleWindows: scales=3 given, expected different odd numbers"):
        build(scales=3)


@pytest.mark.parametrize("size", [(9, 10), (18, 9), (1, 1), (26, 26)])
def test_windows_are_odd_multiples_of_the_largest_scale(size: tuple[int, int]) -> None:
    with pytest.raises(ConfigError, match=rf"windows of {size[0]} x {size[1]} pixels given, expected odd multiples of"):
        build()(torch.zeros(1, 8, *size))
    with pytest.raises(ConfigError, match="MultiScaleWindows: input has 7 bands, the model expects in_channels=8"):
        build()(torch.zeros(1, 7, 27, 27))
