"""The networks that papers compare with; what all backbones do is in test_backbones.py."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.comparison import CNN2D, CNN3D, SpectralCNN1D, SpectralRNN

pytestmark = pytest.mark.usefixtures("scope")
SPECTRAL = (SpectralRNN, SpectralCNN1D)
NETWORKS = (*SPECTRAL, CNN2D, CNN3D)


def build(network, bands, **kwargs):
    torch.manual_seed(0)
    return network(bands, **kwargs)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("side", [5, 9])
def test_only_spectral_networks_look_at_the_centre_alone(network, side):
    model = build(network, 12).eval()
    x = torch.randn(1, 12, side, side)
    other, centre = torch.randn_like(x), side // 2
    other[:, :, centre, centre] = x[:, :, centre, centre]
    same = torch.allclose(model(x)[0][:, :, -1, -1], model(other)[0][:, :, -1, -1], atol=1e-6)
    assert same == (network in SPECTRAL)
    changed = x.clone()
    changed[:, :, centre, centre] += 1
    assert not torch.allclose(model(x)[0], model(changed)[0], atol=1e-4)


@pytest.mark.parametrize("network", NETWORKS)
def test_wrong_sizes_are_refused(network):
    with pytest.raises(ConfigError, match=f"{network.__name__}: embed_dims=0 given, expected at least 1"):
        network(12, embed_dims=0)
    with pytest.raises(ConfigError, match=f"{network.__name__}: in_channels=0"):
        network(0)


def test_groups_must_divide_the_channels():
    with pytest.raises(ConfigError, match="embed_dims=20 does not divide into groups=8"):
        CNN2D(12, embed_dims=20)


def test_cnn_2d_sees_as_far_as_its_depth():
    model = build(CNN2D, 6, depth=2).eval()
    x = torch.randn(1, 6, 9, 9)
    changed = x.clone()
    changed[:, :, 0] += 1
    difference = (model(x)[0] - model(changed)[0]).abs().sum(dim=(0, 1, 3))
    assert (difference[:3] > 1e-4).all()
    assert (difference[3:] < 1e-6).all()


def test_spectral_cnn_has_the_sizes_of_its_paper():
    """Indian Pines, 220 bands: kernels of 24 leave 197 positions, pooled by 5 to 40; 100 units (Hu et al. 2015)."""
    model = SpectralCNN1D(220)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    assert shapes == {
        "conv.weight": (20, 1, 24),
        "conv.bias": (20,),
        "project.weight": (100, 20, 40),
        "project.bias": (100,),
    }


def test_cnn_3d_convolves_along_the_bands():
    """Far from the ends, moving a spectrum by one band moves what the 3-D convolutions make of it."""
    model = build(CNN3D, 40).eval()
    x = torch.randn(1, 1, 40, 5, 5)
    here = model.convolutions(x)
    moved = model.convolutions(x.roll(1, dims=2)).roll(-1, dims=2)
    assert torch.allclose(here[:, :, 5:-6], moved[:, :, 5:-6], atol=1e-6)
    assert here.shape == (1, 4, 40, 5, 5)
