"""What a network makes of single pixels is computed once a pixel, and windows of it give what windows of pixels do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scene_models import USED, VIT, pixel_model

from mmhsi.errors import ConfigError
from mmhsi.inference import SceneInferencer
from mmhsi.inference.scene_features import PixelFeatures
from mmhsi.models import HSIViT, PixelClassifier
from mmhsi.models.embeddings import SpectralStemEmbed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.filterwarnings("ignore::mmhsi.inference.SceneWarning")
WAVELENGTHS = dict(wavelengths=[500.0, 900.0, 700.0, 1600.0])
MIDDLE = dict(type="CenterContext")
NETWORKS = {
    "stem": dict(VIT, embedding="spectral-stem", **WAVELENGTHS),
    "stem, padded patches": dict(VIT, patch_size=4, embedding=dict(type="SpectralStemEmbed", step=40), **WAVELENGTHS),
    "IMAE": dict(type="IMAEViT", in_channels=4, arch="tiny"),
    "IMAE, stem": dict(type="IMAEViT", arch="tiny", embedding="spectral-stem", **WAVELENGTHS),
}


def of_windows(values: np.ndarray, window: tuple[int, int], of: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    """What each window alone gives, (H, W, …), borders mirrored."""
    (h, w), (height, width, _) = window, values.shape
    around = ((h // 2, (h - 1) // 2), (w // 2, (w - 1) // 2), (0, 0))
    padded = torch.from_numpy(np.pad((values[..., USED] - 500) / 200, around, mode="reflect"))
    with torch.inference_mode():
        rows = [
            of(torch.stack([padded[row : row + h, c : c + w] for c in range(width)]).permute(0, 3, 1, 2).contiguous())
            for row in range(height)
        ]
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("window", [(5, 5), (4, 7)])
@pytest.mark.parametrize("network", NETWORKS)
def test_maps_and_features_are_those_of_windows(
    trained, scene, often, monkeypatch, network: str, window: tuple[int, int]
) -> None:
    (path, data), (h, w) = scene, window
    model = dict(pixel_model(NETWORKS[network], MIDDLE, 0), tta=True)
    del model["head"]["in_channels"]
    config, checkpoint, classifier = trained(model, window=list(window))
    inferencer = SceneInferencer(config, checkpoint, "cpu", batch_size=20)
    assert inferencer.way == f"a window of {h} x {w} pixels around each pixel, all embedded once"
    backbone, embedded = type(classifier.backbone), []
    embed = backbone.embed_pixels

    def counted(self: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        embedded.append(x.shape[2:].numel())
        return embed(self, x)

    monkeypatch.setattr(backbone, "embed_pixels", counted)
    data = np.where(data == -9999, np.float32(500), data)
    expected = of_windows(data, window, classifier.predict_scores)
    assert expected.std(axis=(0, 1)).max() > 1e-3
    with inferencer.open_scene(path) as rows:
        parts = [(part.scores.permute(1, 2, 0).numpy(), part.valid) for part in inferencer.predict_rows(rows)]
    valid = np.concatenate([valid for _, valid in parts])
    assert (~valid).sum() == 2
    assert len(parts) > 2  # strips, each of which sees rows of the one before
    np.testing.assert_allclose(np.concatenate([part for part, _ in parts])[valid], expected[valid], atol=1e-5)
    assert sum(embedded) == (17 + h - 1) * (23 + w - 1)

    features = PixelFeatures(inferencer)
    p = classifier.backbone.patch_size
    expected = of_windows(data, window, lambda x: classifier.backbone(x)[-1][:, :, -(-h // p) // 2, -(-w // p) // 2])
    with inferencer.open_scene(path) as rows:
        found = np.concatenate([part for _, part in features.blocks(rows)])
    np.testing.assert_allclose(found[valid], expected[valid], atol=1e-5)


class Scaled(HSIViT):
    """A user's network, which begins in a way of its own."""

    def forward(self, x: torch.Tensor, wavelengths: Sequence[float] | None = None) -> tuple[torch.Tensor, ...]:
        return super().forward(x / 2, wavelengths)


class Neighbours(SpectralStemEmbed):
    def embed(self, x: torch.Tensor, *of_bands: torch.Tensor) -> torch.Tensor:
        return super().embed(x + x.roll(1, 3), *of_bands)


class Narrow(PixelClassifier):
    def extract_feat(self, inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return super().extract_feat(inputs.abs())


def test_classes_that_compute_windows_their_own_way_are_given_windows(scope) -> None:
    def made(kind: type = PixelClassifier, network: type = HSIViT, embedding: object = SpectralStemEmbed):
        backbone = dict(NETWORKS["stem"], type=network, embedding=dict(type=embedding))
        return kind(backbone, MIDDLE, dict(pixel_model(VIT, MIDDLE, 32)["head"]))

    assert made().embeds_pixels
    for kinds in (dict(kind=Narrow), dict(network=Scaled), dict(embedding=Neighbours)):
        assert not made(**kinds).embeds_pixels
    hooked = made()
    hooked.backbone.register_forward_hook(lambda *_: None)
    assert not hooked.embeds_pixels


@torch.inference_mode()
def test_rows_are_rounded_alike_whichever_are_asked_for(trained) -> None:
    """A run that goes on in the middle, or takes a block, gives the same bytes."""
    _, _, classifier = trained(pixel_model(NETWORKS["stem"], MIDDLE, 32), window=[5, 5])
    for width in (7, 33, 130, 4096 + 9):
        image = torch.randn(6, width, 4)
        whole = classifier.embed_pixels(image)
        for first in range(1, 5):
            assert torch.equal(classifier.embed_pixels(image[first:]), whole[first:])


def test_the_published_embedding_shares_what_it_does_in_evaluation() -> None:
    """Its batch normalisation makes pixels of a batch depend on one another while it learns."""
    torch.manual_seed(0)
    centres = np.linspace(420, 2400, 202).tolist()
    network = HSIViT(202, VIT["arch"], 8, 4, embedding=dict(type="SpectralEarthEmbed"), wavelengths=centres)
    assert not network.embeds_pixels
    network(torch.randn(3, 202, 8, 8))  # statistics that are not those at the start
    assert network.eval().embeds_pixels
    x = torch.randn(2, 202, 9, 7)
    with torch.no_grad():
        torch.testing.assert_close(network.forward_embedded(network.embed_pixels(x))[0], network(x)[0])


@pytest.mark.parametrize("options", [{}, dict(embedding="band-attention", **WAVELENGTHS)], ids=["fixed", "attention"])
def test_what_has_no_part_of_single_pixels_is_passed_window_by_window(trained, options: dict) -> None:
    config, checkpoint, _ = trained(pixel_model(dict(VIT, **options), MIDDLE, 32), window=[5, 5])
    inferencer = SceneInferencer(config, checkpoint, "cpu")
    assert not inferencer.model.embeds_pixels
    assert "once" not in inferencer.way


def test_classifiers_without_such_a_backbone_say_so(trained) -> None:
    _, _, classifier = trained(pixel_model(dict(type="OneConvolution"), MIDDLE, 12), window=[5, 5])
    with pytest.raises(ConfigError, match="embed_pixels"):
        classifier.embed_pixels(torch.zeros(4, 4, 4))


def test_the_batch_is_found_out_on_embedded_pixels(trained, scene, monkeypatch) -> None:
    model = dict(pixel_model(NETWORKS["stem"], MIDDLE, 32))
    config, checkpoint, _ = trained(model, window=[5, 5])
    inferencer = SceneInferencer(config, checkpoint, "cpu", batch_size="auto")
    given = []
    monkeypatch.setattr(inferencer.model.network, "forward", lambda *_: pytest.fail("windows of bands"))
    passes = inferencer.model.network.predict_embedded

    def noted(pixels: torch.Tensor) -> torch.Tensor:
        given.append(tuple(pixels.shape[1:]))
        return passes(pixels)

    monkeypatch.setattr(inferencer.model.network, "predict_embedded", noted)
    with inferencer.open_scene(scene[0]) as rows:
        inferencer.choose_batch(rows)
        of_search = set(given)
        list(inferencer.predict_rows(rows, batch_size=20))
    assert of_search == set(given)
    assert len(of_search) == 1
