"""Patch embeddings of any bands."""

import sys
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT
from mmhsi.models.embeddings import (
    EMBEDDINGS,
    BandAttentionEmbed,
    DOFAEmbed,
    PanopticonEmbed,
    SpectralEarthEmbed,
    SpectralStemEmbed,
    WavelengthEmbed,
)
from mmhsi.models.embeddings.bands import band_shares
from mmhsi.models.embeddings.spectral_stem import resampling, shortest_spectrum

SIZES = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)
ANY = pytest.mark.parametrize("embedding", EMBEDDINGS)


def vit(embedding, **options):
    torch.manual_seed(0)
    return HSIViT(arch=SIZES, img_size=16, patch_size=4, embedding=embedding, **options).eval()


def spectra(wavelengths, batch=2, side=16):
    """Smooth scenes: mixtures of four wide bumps along the spectrum, the same for every sensor."""
    amounts = torch.rand(batch, 4, side, side, generator=torch.Generator().manual_seed(1))
    nm = torch.tensor(wavelengths, dtype=torch.float32)
    bumps = torch.stack([torch.exp(-(((nm - centre) / 220) ** 2)) for centre in (500, 800, 1300, 2000)])
    return 3 * torch.einsum("bkhw,kc->bchw", amounts, bumps)


def relative(first, second):
    return float((first - second).norm() / second.norm())


@ANY
@pytest.mark.parametrize("bands", [3, 31, 202, 450])
def test_any_bands_in_turn_through_one_network(embedding, bands):
    model = vit(embedding)
    nm = torch.linspace(420, 2450, bands).tolist()
    with torch.no_grad():
        (features,) = model(spectra(nm), nm)
    assert features.shape == (2, 32, 4, 4)
    assert torch.isfinite(features).all()


@ANY
def test_the_order_of_the_bands_does_not_matter(embedding):
    model, nm = vit(embedding), torch.linspace(420, 2450, 60)
    x, order = spectra(nm.tolist()), torch.randperm(60)
    with torch.no_grad():
        plain, mixed = model(x, nm.tolist())[0], model(x[:, order], nm[order].tolist())[0]
    assert torch.allclose(plain, mixed, atol=1e-4)


@ANY
def test_a_band_that_is_there_twice_changes_nothing(embedding):
    model, nm = vit(embedding), torch.linspace(420, 2450, 60)
    x, twice = spectra(nm.tolist()), torch.cat([torch.arange(60), torch.tensor([0, 17, 17, 59])])
    with torch.no_grad():
        plain, doubled = model(x, nm.tolist())[0], model(x[:, twice], nm[twice].tolist())[0]
    assert torch.allclose(plain, doubled, atol=1e-4)


@ANY
@pytest.mark.parametrize(("other", "bound"), [(80, 0.05), (400, 0.05)])
def test_the_same_ground_seen_by_another_sensor_has_near_features(embedding, other, bound):
    """Tokens before the layers, whose norms would hide what changes, differ by less than a twentieth."""
    model = vit(embedding)
    first, second = (torch.linspace(420, 2450, count).tolist() for count in (202, other))
    with torch.no_grad():
        tokens = [model.patch_embed(spectra(nm), nm)[0] for nm in (first, second)]
    assert relative(tokens[1], tokens[0]) < bound
    # What the bound is worth: tokens of the same values at other wavelengths are far away.
    with torch.no_grad():
        shifted = model.patch_embed(spectra(first), (np.asarray(first) * 0.5 + 200).tolist())[0]
    assert relative(shifted, tokens[0]) > 2 * bound


@ANY
def test_features_are_those_of_training(embedding):
    """No way of torch's own for evaluation changes them."""
    model, nm = vit(embedding), torch.linspace(420, 2450, 60).tolist()
    with torch.no_grad():
        for weight in model.patch_embed.parameters():  # as far from zero as trained ones are
            weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)), alpha=0.3)
        features = model(spectra(nm), nm)[0]
    trained = model.train()(spectra(nm), nm)[0]  # nothing is dropped
    assert relative(features, trained.detach()) < 1e-5


@ANY
def test_training_reaches_every_weight(embedding):
    model = vit(embedding).train()
    nm = torch.linspace(420, 2450, 40).tolist()
    model(spectra(nm), nm)[0].square().mean().backward()
    lost = [name for name, weight in model.patch_embed.named_parameters() if weight.grad is None]
    assert lost == []


@ANY
def test_what_depends_on_the_bands_is_made_once_a_sensor_in_evaluation(embedding, monkeypatch):
    model, made = vit(embedding), []
    of_bands = model.patch_embed.of_bands
    monkeypatch.setattr(model.patch_embed, "of_bands", lambda nm: made.append(len(nm)) or of_bands(nm))
    sensors = [torch.linspace(420, 2450, count).tolist() for count in (40, 50)]
    with torch.no_grad():
        for nm in (*sensors, *sensors):
            before = model(spectra(nm), nm)[0]
        assert made == [40, 50]
        next(model.patch_embed.parameters()).mul_(1.5)
        after = model(spectra(nm), nm)[0]
    assert made == [40, 50, 50]
    assert not torch.allclose(before, after)


@ANY
def test_what_is_kept_is_of_these_weights_and_this_precision(embedding):
    model, nm = vit(embedding), torch.linspace(420, 2450, 40).tolist()
    x = spectra(nm)

    def made(network):
        return network(x, nm)[0]

    with torch.no_grad():
        made(model)
        for weight in model.patch_embed.parameters():
            weight.data.mul_(1.5)  # as EMAHook does, which torch does not count
        model.eval()
        assert torch.equal(made(model), made(deepcopy(model)))
        for dtype in (torch.bfloat16, torch.float16):
            with torch.autocast("cpu", dtype):
                assert torch.equal(made(model), made(deepcopy(model)))
        plain = made(model)
        assert torch.allclose(model.double()(x.double(), nm)[0].float(), plain, atol=1e-4)
        assert relative(model.bfloat16()(x.bfloat16(), nm)[0].float(), plain) < 0.05
    with torch.inference_mode():
        assert torch.isfinite(made(vit(embedding))).all()  # of weights whose changes torch does not count


def test_threads_keep_what_is_theirs():
    """More sensors than are kept, in turn, by eight threads that take turns often."""
    embed = vit("band-attention").patch_embed
    sensors = [tuple(torch.linspace(420, 2450, count).tolist()) for count in range(20, 50)]

    @torch.no_grad()
    def kept(nm):
        return embed.kept(nm)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(kept, 20 * sensors))
    finally:
        sys.setswitchinterval(before)
    assert all(made[1].shape[1] == len(nm) for made, nm in zip(found, 20 * sensors, strict=True))


def test_own_wavelengths_stand_in_for_those_of_a_batch():
    nm = torch.linspace(420, 2450, 30).tolist()
    model = vit("wavelength", wavelengths=nm, in_channels=30)
    x = spectra(nm)
    with torch.no_grad():
        assert torch.equal(model(x)[0], model(x, nm)[0])
    assert model.band_axes() == {}
    assert model.in_channels == 30


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: vit("wavelengths"), "embedding='wavelengths'"),
        (lambda: vit("fixed"), "in_channels"),
        (lambda: vit("wavelength")(torch.zeros(1, 5, 16, 16)), "wavelengths"),
        (lambda: vit("wavelength")(torch.zeros(1, 5, 16, 16), [500, 600, 700]), "3 wavelengths"),
        (lambda: vit("wavelength")(torch.zeros(1, 2, 16, 16), [0.5, 0.6]), "micrometres"),
        (lambda: vit("wavelength", wavelengths=[0.5, 0.6]), "µm"),
        (lambda: vit("wavelength", wavelengths=[500, float("nan")]), "wavelengths=nan"),
        (lambda: vit("wavelength", wavelengths=[500, 600], in_channels=3), "2 wavelengths"),
        (lambda: vit(dict(type="SpectralEarthEmbed"), wavelengths=range(500, 505)), "5 bands given, expected at least"),
        (lambda: vit(dict(type="MAEDecoder", in_channels=3, img_size=8)), "no embedding"),
        (lambda: BandAttentionEmbed(32, 4, width=20, num_heads=3), "num_heads"),
        (lambda: SpectralEarthEmbed(32, 4)(torch.zeros(1, 5, 4, 4), range(500, 505)), "at least"),
    ],
)
def test_what_cannot_work_is_refused(call, said):
    with pytest.raises(ConfigError, match=said):
        call()


def test_shares_are_those_of_the_trapezoidal_rule_with_whole_ends():
    # Steps 100, 100, 300: reaches 100, 100, 200 and 300, the last as far out as in; of 700.
    assert band_shares([500, 700, 600, 1000]).tolist() == pytest.approx([1 / 7, 2 / 7, 1 / 7, 3 / 7])
    assert band_shares([600, 500, 600]).tolist() == pytest.approx([1 / 4, 1 / 2, 1 / 4])
    assert band_shares([600.0]).tolist() == [1.0]


def test_resampling_is_numpys_interpolation():
    nm = [700.0, 450.0, 450.0, 1000.0, 520.0]
    values = np.asarray([3.0, 1.0, 2.0, -1.0, 4.0])
    grid = torch.arange(450, 1001, 7, dtype=torch.float64)
    expected = np.interp(grid.numpy(), [450, 520, 700, 1000], [1.5, 4, 3, -1])
    assert resampling(nm, grid).double().numpy() @ values == pytest.approx(expected, abs=1e-5)


def test_the_shortest_spectrum_leaves_one_sample():
    embed = SpectralEarthEmbed(16, 4).eval()
    lengths = [shortest_spectrum(), shortest_spectrum() - 1]
    x = torch.randn(1, lengths[0], 3)
    assert embed.stem(x).shape == (1, 128, 3)
    with pytest.raises(RuntimeError):
        embed.stem(x[:, : lengths[1]])


@pytest.mark.parametrize("side", [12, 10])  # the last row and column of patches are padded at 10
@pytest.mark.parametrize(
    "kind",
    [WavelengthEmbed, SpectralStemEmbed, BandAttentionEmbed, DOFAEmbed, SpectralEarthEmbed, PanopticonEmbed],
)
def test_some_patches_are_those_of_all(kind, side):
    torch.manual_seed(0)
    embed, nm = kind(embed_dims=16, patch_size=4).eval(), torch.linspace(420, 2450, 200).tolist()
    x, chosen = torch.randn(2, 200, side, side), torch.tensor([[8, 0, 3], [1, 1, 7]])
    with torch.no_grad():
        tokens, _ = embed(x, nm)
        some = embed.some(x, chosen, nm)
    expected = torch.stack([tokens[image][places] for image, places in enumerate(chosen)])
    assert torch.allclose(some, expected, atol=1e-5)


def test_hidden_patches_do_not_reach_statistics_of_a_batch():
    embed, nm = SpectralEarthEmbed(16, 4).train(), torch.linspace(420, 2450, 202).tolist()
    x, chosen = torch.randn(2, 202, 8, 8), torch.tensor([[0, 3], [0, 3]])
    other = x.clone()
    other[..., :4, 4:] = 100.0  # patch 1
    assert torch.equal(embed.some(x, chosen, nm), embed.some(other, chosen, nm))


def slow_band_attention(embed, x, nm):
    """Panopticon's own order of things: a vector for every band and patch, keys and values of each, softmax."""
    p, heads = embed.patch_size, embed.num_heads
    kernel = embed.pixels.weight.view(-1, 1, 1, p, p)
    vectors = nn.functional.conv3d(x[:, None], kernel, embed.pixels.bias, stride=(1, p, p))  # (B, D, C, h, w)
    codes, shares = embed.facts(nm, embed.width)
    vectors = vectors + codes.T[None, :, :, None, None]
    rows = vectors.permute(0, 3, 4, 2, 1).flatten(0, 2)  # (B·h·w, C, D)
    key, value = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in (embed.key(rows), embed.value(rows)))
    query = embed.query.view(1, heads, 1, -1)
    scores = query @ key.transpose(2, 3) * (embed.width // heads) ** -0.5
    seen = (scores + shares.log()).softmax(3) @ value
    return embed.projection(seen.transpose(1, 2).flatten(1)).view(len(x), -1, embed.embed_dims)


@pytest.mark.parametrize("kind", [BandAttentionEmbed, PanopticonEmbed])
def test_maps_multiplied_out_attend_as_the_maps_one_by_one(kind):
    torch.manual_seed(0)
    embed = kind(24, 4, width=32, num_heads=4).double()
    nm = [450.0, 700.0, 520.0, 980.0, 2100.0]
    x = torch.randn(2, 5, 8, 12, dtype=torch.float64)
    assert torch.allclose(embed(x, nm)[0], slow_band_attention(embed, x, nm), atol=1e-6)


def test_generated_weights_are_those_of_a_loop_over_bands():
    torch.manual_seed(0)
    embed, nm = WavelengthEmbed(8, 2, width=16, num_heads=2), [450.0, 700.0, 520.0, 980.0]
    x = torch.randn(1, 4, 4, 4)
    weight, bias, shares = embed.of_bands(nm)
    weight = (weight.view(4, 2, 2, 8) * shares[..., None]).permute(3, 0, 1, 2)
    tokens = embed(x, nm)[0].transpose(1, 2).view(1, 8, 2, 2)
    expected = bias[None, :, None, None] + sum(
        nn.functional.conv2d(x[:, band : band + 1], weight[:, band : band + 1], stride=2) for band in range(4)
    )
    assert torch.allclose(tokens, expected, atol=1e-5)
    assert DOFAEmbed(8, 4, 16, 2).of_bands(nm)[0].any()
