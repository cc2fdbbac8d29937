"""HyperSIGMA's weights in its two backbones: the layout of its public code, and its features.

Names, shapes and features in ``public_encoders.json`` are those that the public code gave, run elsewhere, at small
sizes: of pretraining (``SpatMAE``, ``SpecMAE``, decoder included), whose encoder sees all tokens in every layer, and of
fine-tuning, two of three layers sampled.
"""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import HyperSIGMASpatial, HyperSIGMASpectral, transfer_weights
from mmhsi.models.weights.families import family_of, public_weights
from tests.models.test_public_encoders import PUBLIC, public_state

ARCH = dict(embed_dims=32, num_layers=3, num_heads=2, feedforward_channels=128)


def image(*shape):
    count = torch.zeros(shape).numel()
    return torch.sin(torch.arange(count, dtype=torch.float64) * 0.3717).float().view(1, *shape)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("branch", ["spat", "spec"])
def test_features_are_those_of_the_public_code(branch, sampled, tmp_path):
    layout, interval = f"HyperSIGMA-{branch}" + ", sampled" * sampled, 3 if sampled else 1
    if branch == "spat":
        model, x = HyperSIGMASpatial(5, ARCH, patch_size=4, interval=interval), image(5, 16, 24)
    else:
        tokens = 9 if sampled else 4
        model, x = HyperSIGMASpectral(10, ARCH, 8, tokens, interval), image(10, 8, 8)
    state = public_state(layout)
    if sampled:  # weights of fine-tuning have no decoder, by which the layout is known
        state["decoder_pos_embed"] = torch.zeros(1)
    torch.save({"model": state}, tmp_path / "public.pth")
    report = transfer_weights(model.eval(), tmp_path / "public.pth")
    assert report.unused == []
    assert set(report.new) == {"layers.pruned"}
    with torch.no_grad():
        seen = model.forward_tokens(x).patches
        (map_,) = model(x)
    torch.testing.assert_close(seen[0, :, :4], torch.tensor(PUBLIC[layout]["features"]), atol=2e-5, rtol=0)
    assert map_.shape == ((1, 32, 4, 6) if branch == "spat" else (1, 32, 1, 1))


def test_layouts_are_told_apart_from_that_of_an_mae_with_cls():
    for branch in ("spat", "spec"):
        assert family_of(public_state(f"HyperSIGMA-{branch}")).name == f"HyperSIGMA-{branch}"
    assert family_of({**public_state("HyperSIGMA-spat"), "cls_token": torch.zeros(1, 1, 32)}) is None


def test_bands_and_windows_of_another_sensor():
    spectral = HyperSIGMASpectral(30, ARCH, patch_size=8, num_tokens=4)
    assert spectral.band_axes() == {}
    assert spectral(torch.randn(2, 30, 5, 11))[0].shape == (2, 32, 1, 2)
    assert HyperSIGMASpatial(5, ARCH).band_axes() == {"patch_embed.projection.weight": 1}
    with pytest.raises(ConfigError, match="square"):
        HyperSIGMASpectral(8, ARCH, num_tokens=8, interval=3)


def test_hub_names_are_those_of_the_authors_table():
    found = public_weights("hypersigma-spec-vit-h")
    assert found.hub[:2] == ("WHU-Sigma/HyperSIGMA", "spec-vit-huge-ultra-checkpoint-1599.pth")
