"""The networks that papers compare with; what all backbones do is in test_backbones.py."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.comparison import (
    CNN2D,
    CNN3D,
    SSTN,
    ExViT,
    FreeNet,
    HiT,
    MAESTViT,
    SpectralCNN1D,
    SpectralRNN,
)

SPECTRAL = (SpectralRNN, SpectralCNN1D)
NETWORKS = (*SPECTRAL, CNN2D, CNN3D, ExViT, FreeNet, HiT, MAESTViT, SSTN)
SMALL = {HiT: dict(embed_dims=32, depths=(1, 1, 1, 1))}


def build(network, bands, **kwargs):
    torch.manual_seed(0)
    return network(bands, **kwargs)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("side", [5, 9])
def test_only_spectral_networks_look_at_the_centre_alone(network, side):
    model = build(network, 12, **SMALL.get(network, {})).eval()
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
    changed[:, :, 4] += 1
    difference = (model(x)[0] - model(changed)[0]).abs().sum(dim=(0, 1, 3))
    assert difference.shape == (5,)
    assert (difference > 1e-4).all()
    changed = x.clone()
    changed[:, :, 0] += 1
    difference = (model(x)[0] - model(changed)[0]).abs().sum(dim=(0, 1, 3))
    assert difference[0] > 1e-4
    assert (difference[1:] < 1e-6).all()


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
    assert here.shape == (1, 4, 40, 1, 1)  # its paper's: 3 x 3 pixels, then 1


@pytest.mark.parametrize(("network", "order"), [(ExViT, "pixels"), (MAESTViT, "bands"), (MAESTViT, "pixels")])
def test_the_order_of_what_is_summed_up_matters(network, order):
    model = build(network, 12).eval()
    x = torch.randn(2, 12, 7, 7)
    moved = x.flip(1) if order == "bands" else x.flip(2, 3)
    assert not torch.allclose(model(x)[0], model(moved)[0], atol=1e-3)


def test_exvit_takes_the_last_bands_for_the_second_source():
    model = build(ExViT, 12, second_bands=3).eval()
    assert [stream.convolutions[0].in_channels for stream in model.streams] == [9, 3]
    with pytest.raises(ConfigError, match="second_bands=12 given, expected 0 to 11"):
        ExViT(12, second_bands=12)


def test_hit_can_put_mixed_values_back_in_their_places():
    """Then a pixel far from another is not changed by it, but for the weights of the mixture, which are means."""
    change = {}
    for reorder in (True, False):
        mixer = build(HiT, 8, embed_dims=32, depths=(1, 1, 1, 1), reorder=reorder).stages[0][0].permutator
        torch.nn.init.zeros_(mixer.weigh[2].weight)  # thirds
        x = torch.randn(1, 8, 8, 16)
        other = x.clone()
        other[:, 0, 0] += 1
        change[reorder] = (mixer(x) - mixer(other)).abs().amax(dim=(0, 3))
    assert (change[False][2:, 2:] < 1e-6).all()
    assert (change[True][2:, 2:] > 1e-3).any()


def test_maest_holds_its_bands_neighbours():
    """Past either end the other end's; nearest first before the band, but for single pixels."""
    x = torch.arange(6.0)[None, :, None, None].expand(1, 6, 5, 5)
    assert MAESTViT(6, window=1, neighbors=5).bands(x)[0, 1].tolist() == [5, 0, 1, 2, 3]
    assert MAESTViT(6, window=3, neighbors=5).bands(x)[0, 1, ::9].tolist() == [0, 5, 1, 2, 3]
    for wrong in (dict(window=2), dict(neighbors=2), dict(neighbors=7)):
        with pytest.raises(ConfigError, match="expected odd numbers"):
            MAESTViT(6, **wrong)


def test_sstn_of_a_strided_stem_follows_the_bands():
    model = build(SSTN, 20, stem="strided").eval()
    assert model.stem_norm.num_features == 7
    assert model(torch.randn(2, 20, 5, 5))[0].shape == (2, 18, 5, 5)
    assert model.band_axes() == {}
    with pytest.raises(ConfigError, match="bands_of_the_strided_stem=0"):
        SSTN(6, stem="strided")
    with pytest.raises(ConfigError, match="stem='other'"):
        SSTN(20, stem="other")


def test_free_net_needs_channels_that_its_groups_divide():
    with pytest.raises(ConfigError, match=r"block_channels=\(96, 100\) given, expected multiples of groups=16"):
        FreeNet(12, block_channels=(96, 100))


def test_hit_needs_four_stages():
    with pytest.raises(ConfigError, match=r"depths=\(1, 1\)"):
        HiT(12, depths=(1, 1))
