"""Rows of a scene at once give what a window around every pixel gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

from mmhsi.datasets import SceneDataset, collate_pixels
from mmhsi.models import CNN2D, CNN3D, MultiScaleWindows, PixelClassifier, TwoSources, attach_scenes
from mmhsi.models.dense import dense_parts
from mmhsi.models.weights import load_weights
from mmhsi.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BANDS, CLASSES = 12, 4
CENTRE, MEAN = dict(type="CenterContext"), dict(type="mmpretrain.GlobalAveragePooling")


def classifier(network: str, neck: dict = CENTRE, tta: bool = True, **options: object) -> torch.nn.Module:
    """A classifier with weights and batch statistics under which nothing is zero."""
    torch.manual_seed(0)
    head = dict(type="mmpretrain.LinearClsHead", num_classes=CLASSES, loss=dict(type="mmpretrain.CrossEntropyLoss"))
    with DefaultScope.overwrite_default_scope("mmhsi"):
        backbone = dict(type=network, in_channels=BANDS, **options)
        preprocessor = dict(type="ScenePreprocessor", num_bands=BANDS, mean=[0.0] * BANDS, std=[1.0] * BANDS)
        model = MODELS.build(
            dict(
                type="PixelClassifier", backbone=backbone, neck=neck, head=head, tta=tta, data_preprocessor=preprocessor
            )
        )
    for name, value in model.state_dict().items():
        if value.is_floating_point() and "data_preprocessor" not in name:
            value += (0.2 * torch.randn_like(value)).abs() if "running_var" in name else 0.2 * torch.randn_like(value)
    return model.eval()


def by_windows(model: torch.nn.Module, image: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """Scores (K, H, W) of every window, cut one after the other."""
    h, w = window
    places = [(i, j) for i in range(image.shape[2] - h + 1) for j in range(image.shape[3] - w + 1)]
    cut = torch.cat([image[:, :, i : i + h, j : j + w] for i, j in places])
    return model.predict_scores(cut).T.unflatten(1, (image.shape[2] - h + 1, image.shape[3] - w + 1))


@torch.inference_mode()
@pytest.mark.parametrize("tta", [True, False])
@pytest.mark.parametrize("neck", [CENTRE, MEAN], ids=lambda neck: neck["type"])
@pytest.mark.parametrize("window", [(9, 9), (8, 8), (5, 5), (7, 6), (5, 10)])
@pytest.mark.parametrize("backbone", ["CNN2D", "CNN3D"])
def test_rows_equal_windows(backbone: str, window: tuple[int, int], neck: dict, tta: bool) -> None:
    model = classifier(backbone, neck, tta)
    image = torch.randn(1, BANDS, 13, 17)
    assert model.takes_rows(window)
    expected, found = by_windows(model, image, window), model.predict_rows(image, window)
    assert expected.std(dim=(1, 2)).max() > 1e-3  # else every network would do
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("window", [(9, 9), (8, 5)])
@pytest.mark.parametrize("backbone", ["SpectralRNN", "SpectralCNN1D"])
def test_spectral_networks_need_the_centre_alone(backbone: str, window: tuple[int, int]) -> None:
    model, image = classifier(backbone, MEAN, tta=False), torch.randn(1, BANDS, 11, 12)
    assert model.seen_window(window) == (1, 1)
    expected = by_windows(model, image, window)
    (h, w), (_, rows, columns) = window, expected.shape
    centres = image[0, :, h // 2 : h // 2 + rows, w // 2 : w // 2 + columns].flatten(1).T
    found = model.predict_scores(centres[:, :, None, None]).T.reshape(expected.shape)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_symmetries_of_even_windows_have_other_centres() -> None:
    model = classifier("SpectralRNN", MEAN, tta=True)
    assert model.seen_window((9, 9)) == (1, 1)
    assert model.seen_window((8, 9)) == (8, 9)


def mean_of(*members: dict) -> torch.nn.Module:
    """Of classifiers with random weights, and a temperature."""
    head = dict(type="mmpretrain.LinearClsHead", num_classes=CLASSES)
    models = []
    for member in members:
        channels = member.get("stop", BANDS) - member.get("start", 0)
        backbone = dict(type=member.pop("type"), in_channels=channels)
        models.append(
            dict(member, model=dict(type="PixelClassifier", backbone=backbone, neck=CENTRE, head=head, tta=True))
        )
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        backbone = dict(type="ClassifierMembers", members=models)
        model = MODELS.build(dict(type="MeanOfClassifiers", backbone=backbone, temperature=1.3))
    for parameter in model.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return model.eval()


@torch.inference_mode()
@pytest.mark.parametrize("window", [(9, 9), (9, 11), (10, 9)])
def test_a_mean_of_classifiers_takes_rows_if_its_members_do(window: tuple[int, int]) -> None:
    one = dict(type="SpectralRNN", window=1, start=1, weight=2.0)
    model = mean_of(dict(type="CNN2D", window=9), dict(type="CNN2D", window=6, stop=BANDS - 1, weight=0.5), one)
    assert model.takes_rows(window)
    image = torch.randn(1, BANDS, 14, 16)
    torch.testing.assert_close(model.predict_rows(image, window), by_windows(model, image, window), atol=1e-5, rtol=0)
    assert not mean_of(dict(type="CNN2D", window=9), dict(type="SSTN", window=9)).takes_rows(window)


@torch.inference_mode()
@pytest.mark.parametrize("tta", [True, False])
@pytest.mark.parametrize("neck", [CENTRE, MEAN], ids=lambda neck: neck["type"])
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("network", "scales", "window"),
    [
        ("CNN2D", (1, 3), (21, 21)),
        ("CNN2D", (5, 1, 3), (25, 35)),
        ("CNN2D", (3,), (15, 15)),
        ("CNN3D", (1, 3), (15, 27)),
    ],
)
def test_windows_of_several_scales_are_taken_in_rows(network, scales, window, shared, neck, tta) -> None:
    model = classifier("MultiScaleWindows", neck, tta, backbone=dict(type=network), scales=scales, shared=shared)
    image = torch.randn(1, BANDS, window[0] + 4, window[1] + 7)
    assert model.takes_rows(window)
    expected, found = by_windows(model, image, window), model.predict_rows(image, window)
    assert expected.std(dim=(1, 2)).max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("tta", [True, False])
@pytest.mark.parametrize("neck", [CENTRE, MEAN], ids=lambda neck: neck["type"])
@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("network", [dict(type="CNN2D"), dict(type="CNN2D", depth=1), dict(type="CNN3D")])
def test_a_finer_source_is_taken_in_rows(network: dict, scale: int, neck: dict, tta: bool) -> None:
    options = dict(second_bands=scale**2, second_scale=scale, channels=8)
    model = classifier("TwoSources", neck, tta, backbone=network, **options)
    image = torch.randn(1, BANDS, 13, 17)
    assert model.takes_rows((9, 9))
    expected, found = by_windows(model, image, (9, 9)), model.predict_rows(image, (9, 9))
    assert expected.std(dim=(1, 2)).max() > 1e-3
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_scales_whose_network_takes_no_rows_are_passed_window_by_window() -> None:
    assert not classifier("MultiScaleWindows", MEAN, backbone=dict(type="SSTN")).takes_rows((27, 27))
    assert not classifier("MultiScaleWindows", backbone=dict(type="CNN2D")).takes_rows((9, 27))


def test_networks_that_compute_windows_their_own_way_are_given_windows(scope) -> None:
    class Own(CNN2D):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            return super().forward(x - x.mean(dim=(2, 3), keepdim=True))

    class OwnScales(MultiScaleWindows):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
            return super().forward(x - x.mean(dim=(2, 3), keepdim=True))

    class OwnFeatures(PixelClassifier):
        def extract_feat(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return super().extract_feat(inputs.abs())

    for own, backbone in ((False, CNN2D), (True, Own)):
        inner = dict(type=backbone)
        assert bool(dense_parts(backbone(BANDS), (9, 9))) != own
        assert bool(dense_parts(MultiScaleWindows(inner, BANDS), (27, 27))) != own
        assert bool(dense_parts(TwoSources(inner, BANDS, 4, 2), (9, 9))) != own
    assert not dense_parts(OwnScales(dict(type=CNN2D), BANDS), (27, 27))
    config = dict(type="CNN2D", in_channels=BANDS)
    assert PixelClassifier(config, CENTRE).takes_rows((9, 9))
    assert not OwnFeatures(config, CENTRE).takes_rows((9, 9))


def test_windows_that_leave_no_pixel_are_passed_one_by_one() -> None:
    assert not classifier("CNN2D").takes_rows((4, 9))
    assert classifier("CNN2D", depth=1).takes_rows((4, 9))
    assert not classifier("SSTN", MEAN).takes_rows((9, 9))


@torch.inference_mode()
@pytest.mark.parametrize("network", [CNN2D, CNN3D])
def test_weights_of_before_work_as_they_did(network: type, tmp_path: Path) -> None:
    """Their maps had zeros around them, and were as large as the window."""
    torch.manual_seed(0)
    now = network(BANDS).eval()
    before = {key: value for key, value in now.state_dict().items() if key != "unpadded"}
    assert len(before) == len(now.state_dict()) - 1
    x = torch.randn(2, BANDS, 9, 9)
    inner = now(x)[0]
    for load in ("torch", "checked"):
        then = network(BANDS).eval()
        if load == "torch":
            then.load_state_dict(before)
        else:
            torch.save(dict(state_dict={f"backbone.{key}": value for key, value in before.items()}), tmp_path / "a.pth")
            load_weights(then, tmp_path / "a.pth", "backbone.")
        maps = then(x)[0]
        assert maps.shape[2:] == (9, 9)
        torch.testing.assert_close(maps[:, :, 2:-2, 2:-2], inner, atol=1e-5, rtol=0)  # there no zero is in reach
        assert (maps[:, :, 0] - now(torch.nn.functional.pad(x, (2,) * 4))[0][:, :, 0]).abs().max() > 1e-3
        assert set(then.state_dict()) == set(before)
        assert not then.is_unpadded
        then.load_state_dict(now.state_dict())
        torch.testing.assert_close(then(x)[0], inner)


def places(data: SceneDataset, indices: Sequence[int]) -> dict:
    """What a loader gives of some pixels."""
    return collate_pixels(data.__getitems__(list(indices)))


@torch.inference_mode()
@pytest.mark.parametrize("network", ["CNN2D", "SpectralRNN"])
def test_test_steps_take_the_cheaper_way(network: str, tmp_path: Path) -> None:
    """Neighbouring pixels, as a test loader gives them, by rows; the same scores as one window after the other."""
    np.save(tmp_path / "scene.npy", np.random.default_rng(0).normal(size=(14, 15, BANDS)).astype(np.float32))
    np.save(tmp_path / "labels.npy", np.arange(14 * 15).reshape(14, 15) % 5)
    scene = dict(image="scene.npy", labels="labels.npy", classes=list("abcde")[:CLASSES], label_ids=[1, 2, 3, 4])
    data = SceneDataset(scene, tmp_path, window=(7, 7), subset="labeled", largest_window=9)
    model = classifier(network, CENTRE if network == "CNN2D" else MEAN)
    attach_scenes(model.data_preprocessor, data)
    passed: list[tuple[int, ...]] = []
    model.backbone.register_forward_hook(lambda _, given, __: passed.append(tuple(given[0].shape)))
    batches = [range(30, 90), [0, len(data) - 1]]
    for batch in batches:
        given = places(data, batch)
        found = torch.stack([sample.pred_score for sample in model.test_step(given)])
        one_by_one = torch.cat(
            [model.predict_scores(model.data_preprocessor(places(data, [index]))["inputs"]) for index in batch]
        )
        torch.testing.assert_close(found, one_by_one, atol=1e-5, rtol=0)
        assert [sample.gt_label.item() for sample in model.test_step(given)] == given["label"].tolist()
    sizes = {shape[2:] for shape in passed if shape[0] in (60, 2)}
    assert sizes == ({(7, 7)} if network == "CNN2D" else {(1, 1)})  # of the CNN the two pixels that lie far apart
    assert (60 in {shape[0] for shape in passed}) == (network != "CNN2D")
