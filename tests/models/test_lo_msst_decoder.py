"""LO-MSST's decoder."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.selfsup.lo_msst_decoder import LOMSSTDecoder

OPTIONS = dict(in_channels=6, patch_values=5, spectral_positions=[400.0, 500.0, 650.0], embed_dims=12, head_dims=4)


def decoder(**options):
    torch.manual_seed(0)
    model = LOMSSTDecoder(**{**OPTIONS, **options})
    for parameter in model.parameters():
        parameter.data.add_(0.1 * torch.randn_like(parameter))
    return model


@pytest.mark.parametrize("depth", [1, 2])
def test_it_equals_a_loop(depth):
    model = decoder(depth=depth)
    latent, hidden = torch.randn(2, 3, 6, 6), torch.rand(2, 3, 6) < 0.6
    positions = model.position((2, 3))
    for b in range(2):
        x = torch.empty(3, 6, 12)
        for g in range(3):
            for n in range(6):
                token = model.mask_token if hidden[b, g, n] else model.embed(latent[b, g, n])
                x[g, n] = token + positions[g, n]
        for layer in model.spatial_layers:
            x = torch.stack([layer(x[g][None])[0] for g in range(3)])
        for layer in model.spectral_layers:
            x = torch.stack([layer(x[:, n][None])[0] for n in range(6)], dim=1)
        expected = torch.stack([model.norm(x[g]) @ model.weight[g] + model.bias[g] for g in range(3)])
        assert torch.allclose(model(latent, hidden, (2, 3))[b], expected, atol=1e-5)


def test_hidden_places_are_not_read():
    model = decoder()
    latent, hidden = torch.randn(1, 3, 6, 6), torch.rand(1, 3, 6) < 0.6
    changed = torch.where(hidden[..., None], torch.nan, latent)
    assert torch.equal(model(latent, hidden, (2, 3)), model(changed, hidden, (2, 3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(depth=0), "LOMSSTDecoder: depth=0 given, expected at least 1"),
        (dict(num_heads=0), "num_heads=0 given, expected at least 1"),
        (dict(embed_dims=7), "LOMSSTDecoder: embed_dims=7 does not hold spatial and spectral sinusoids"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        decoder(**change)
