"""Weights across sensors."""

import numpy as np
import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT, transfer_weights
from mmhsi.models.layers import resize_position_table
from mmhsi.models.weights import resample_band_weights
from mmhsi.models.weights.spectral_weights import interpolate_blocks
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec

RGB = (640.0, 550.0, 460.0)


def smooth(wavelengths):
    """A smooth spectrum, as vegetation has."""
    nm = np.asarray(wavelengths)
    return 0.1 + 0.4 / (1 + np.exp(-(nm - 720) / 60)) + 0.1 * np.exp(-(((nm - 550) / 60) ** 2))


def kernels(bands, filters=16, seed=0):
    """Weights that vary smoothly along the bands, as trained ones do."""
    rng = np.random.default_rng(seed)
    phase, frequency = rng.uniform(0, 6, (filters, 1)), rng.uniform(0.5, 2, (filters, 1))
    at = np.linspace(0, 1, bands)
    values = np.sin(phase + frequency * 3 * at) + rng.normal(0.5, 0.3, (filters, 1))
    return torch.tensor(values / bands, dtype=torch.float32)[..., None, None]


@pytest.mark.parametrize("bands", [3, 32, 204])
def test_the_same_wavelengths_change_nothing(bands):
    weight, nm = torch.randn(8, bands, 2, 2), np.random.default_rng(0).uniform(400, 2500, bands)
    assert torch.equal(resample_band_weights(weight, 1, nm, nm), weight)


@pytest.mark.parametrize("target", [np.linspace(400, 1000, 61), np.linspace(380, 1100, 204), [500.0], RGB])
def test_a_constant_spectrum_gives_the_same_response(target):
    weight = torch.randn(8, 31, 2, 2)
    moved = resample_band_weights(weight, 1, np.linspace(400, 1000, 31), target)
    assert moved.shape == (8, len(target), 2, 2)
    assert torch.allclose(moved.sum(1), weight.sum(1), atol=1e-5)


def test_twice_as_dense_keeps_the_response_to_a_smooth_spectrum():
    coarse, fine = np.linspace(400, 1000, 31), np.linspace(400, 1000, 61)
    weight = kernels(31)
    moved = resample_band_weights(weight, 1, coarse, fine)
    before = weight[..., 0, 0].numpy() @ smooth(coarse)
    after = moved[..., 0, 0].numpy() @ smooth(fine)
    assert abs(after - before).max() < 0.02 * abs(before).max()


def test_order_and_repeats_of_wavelengths_do_not_matter():
    nm, weight, target = np.linspace(400, 900, 20), torch.randn(4, 20), np.linspace(420, 880, 33)
    order = np.random.default_rng(0).permutation(20)
    direct = resample_band_weights(weight, 1, nm, target)
    assert torch.allclose(resample_band_weights(weight[:, order], 1, nm[order], target), direct, atol=1e-6)
    swapped = np.random.default_rng(1).permutation(33)
    assert torch.allclose(resample_band_weights(weight, 1, nm, target[swapped]), direct[:, swapped], atol=1e-6)
    twice = resample_band_weights(weight, 1, nm, np.repeat(target, 2))
    assert torch.allclose(twice[:, ::2] + twice[:, 1::2], direct, atol=1e-6)


def save(tmp_path, model, wavelengths=None):
    path = tmp_path / "pretrained.pth"
    state = {f"backbone.{key}": value for key, value in model.state_dict().items()}
    nm = None if wavelengths is None else tuple(wavelengths)
    spec = InputSpec(classes=(), bands=(0,), file_bands=1, num_bands=len(nm or (0,)), model_wavelengths=nm)
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=spec.to_meta())), path)
    return path


def vit(bands, size=16, patch=4, **kwargs):
    torch.manual_seed(bands)
    return HSIViT(in_channels=bands, arch="tiny", img_size=size, patch_size=patch, **kwargs)


def test_reinitialise_replaces_the_input_layer_alone(tmp_path):
    source, target = vit(20), vit(33)
    own = target.patch_embed.projection.weight.clone()
    report = transfer_weights(target, save(tmp_path, source), "backbone.", input_layer="reinit")
    assert report.new == ["patch_embed.projection.weight"]
    assert not report.adapted
    assert torch.equal(target.patch_embed.projection.weight, own)
    assert torch.equal(target.layers[2].attn.qkv.weight, source.layers[2].attn.qkv.weight)


def test_interpolate_takes_the_source_from_the_checkpoint(tmp_path):
    coarse, fine = np.linspace(400, 1000, 31).tolist(), np.linspace(400, 1000, 61).tolist()
    source = vit(31)
    source.patch_embed.projection.weight.data = kernels(31, 128).expand(-1, -1, 4, 4).clone()
    path = save(tmp_path, source, wavelengths=coarse)
    init = dict(type="Pretrained", checkpoint=str(path), prefix="backbone.", input_layer="interpolate")
    target = vit(61, init_cfg=dict(init, wavelengths=fine))
    target.init_weights()
    expected = resample_band_weights(source.patch_embed.projection.weight, 1, coarse, fine)
    assert torch.equal(target.patch_embed.projection.weight, expected)
    # A smooth image looks alike to both.
    images = [
        torch.tensor(smooth(nm), dtype=torch.float32)[None, :, None, None].expand(1, -1, 16, 16)
        for nm in (coarse, fine)
    ]
    before, after = source.eval()(images[0])[0], target.eval()(images[1])[0]
    assert (before - after).norm() < 0.02 * before.norm()


def test_rgb_weights_by_wavelength(tmp_path):
    nm = np.linspace(466, 940, 32).tolist()
    report = transfer_weights(
        vit(32), save(tmp_path, vit(3)), "backbone.", "interpolate", wavelengths=nm, source_wavelengths=RGB
    )
    assert report.adapted == ["patch_embed.projection.weight"]


def test_positions_of_a_rectangle_are_fitted_by_its_own_grid(tmp_path):
    source, target = vit(4, size=(8, 32), patch=2, pos_embed="learned"), vit(4, size=16, patch=2, pos_embed="learned")
    report = transfer_weights(target, save(tmp_path, source), "backbone.")
    assert "pos_embed" in report.adapted
    assert torch.equal(target.pos_embed[:, 1:], resize_position_table(source.pos_embed[:, 1:], (4, 16), (8, 8)))
    assert target.pos_grid.tolist() == [8, 8]


def test_a_table_that_cannot_be_a_square_is_refused_without_its_grid(tmp_path):
    state = {k: v for k, v in vit(4, size=(8, 24), patch=4).state_dict().items() if k != "pos_grid"}
    torch.save(state, tmp_path / "bare.pth")
    with pytest.raises(ConfigError, match="12 positions are no square"):
        transfer_weights(vit(4), tmp_path / "bare.pth")


def test_report_names_what_is_unused(tmp_path):
    report = transfer_weights(vit(4), save(tmp_path, vit(4, num_registers=2)), "backbone.")
    assert report.unused == ["registers"]
    assert "unused 1 (registers)" in str(report)
    assert len(report.loaded) == len(vit(4).state_dict())


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (dict(), r"the model expects \(128, 9, 4, 4\); input_layer='reinit' or 'interpolate'"),
        (dict(input_layer="pca"), "input_layer='pca' is unknown"),
        (dict(input_layer="interpolate"), r"needs wavelengths \(of the model's bands\) in nm"),
        (dict(input_layer="interpolate", wavelengths=range(400, 409)), "needs source_wavelengths in nm"),
        (
            dict(input_layer="interpolate", wavelengths=range(400, 409), source_wavelengths=[500, 600]),
            "2 given, the checkpoint has 20",
        ),
        (dict(input_layer="interpolate", wavelengths=[0.5] * 9, source_wavelengths=range(400, 420)), "µm"),
        (dict(prefix="encoder."), "nothing under 'encoder.' fits"),
    ],
)
def test_what_cannot_be_carried_over_is_an_error(tmp_path, keys, message):
    with pytest.raises(ConfigError, match=message):
        transfer_weights(vit(9), save(tmp_path, vit(20)), **{**dict(prefix="backbone."), **keys})


def backbone(name, bands):
    torch.manual_seed(bands)
    extra = dict(bands_per_block=2) if name == "SST" else dict(img_size=9)
    model = MODELS.build(dict(type=name, in_channels=bands, arch="tiny", patch_size=3, **extra))
    return model.eval()


@pytest.mark.parametrize("name", ["HSIViT", "SpatialSpectralViT", "SST"])
@pytest.mark.parametrize("way", ["reinit", "interpolate"])
def test_every_backbone_is_carried_over_to_other_bands(name, way, tmp_path):
    coarse, fine = np.linspace(420, 980, 13).tolist(), np.linspace(400, 1000, 30).tolist()
    source, target = backbone(name, 13), backbone(name, 30)
    report = transfer_weights(target, save(tmp_path, source, wavelengths=coarse), "backbone.", way, wavelengths=fine)
    changed = report.new if way == "reinit" else report.adapted
    assert set(changed) >= set(source.band_axes())
    kept = [key for key, value in source.state_dict().items() if value.is_floating_point() and key in report.loaded]
    assert all(torch.equal(target.state_dict()[key], source.state_dict()[key]) for key in kept)
    assert len(kept) > 20
    assert target(torch.randn(1, 30, 9, 9))[0].isfinite().all()


@pytest.mark.parametrize("name", ["HSIViT", "SpatialSpectralViT", "SST"])
def test_interpolating_to_the_same_wavelengths_is_the_identity(name, tmp_path):
    nm = np.linspace(420, 980, 13).tolist()
    source = backbone(name, 13)
    target = backbone(name, 13)
    for parameter in target.parameters():
        parameter.data.zero_()
    transfer_weights(target, save(tmp_path, source, wavelengths=nm), "backbone.", "interpolate", wavelengths=nm)
    x = torch.randn(1, 13, 9, 9)
    assert torch.allclose(target(x)[0], source(x)[0], atol=1e-5)


def test_blocks_are_blended_from_their_neighbours():
    weight = torch.tensor([[0.0, 10], [1, 20], [3, 0]])
    moved = interpolate_blocks(weight, [500, 700, 600], [450, 525, 650, 900])
    assert moved.tolist() == [[0.0, 10], [0.75, 7.5], [2, 10], [1, 20]]


KINDS = dict(arch="tiny", img_size=8, patch_size=2)


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        (dict(layer_scale_init_value=0.1), {}, "has attn.gamma1.weight, for which the model has no place; do ffn_type"),
        ({}, dict(layer_scale_init_value=0.1), "lacks attn.gamma1.weight of the model"),
        ({}, dict(ffn_type="swiglu_fused"), "has ffn.layers.0.0.bias, for which"),
        (dict(embedding="wavelength"), {}, "is of embedding='wavelength', the model of 'fixed'; input_layer='reinit'"),
        (dict(embedding="spectral-stem"), {}, "is of embedding='spectral-stem', the model of 'fixed'"),
        ({}, dict(embedding="band-attention"), "is of embedding='fixed', the model of 'band-attention'"),
        (
            dict(embedding=dict(type="SpectralEarthEmbed")),
            dict(embedding="spectral-stem"),
            "another kind of embedding='spectral-stem': the model alone has patch_embed.code.bias",
        ),
    ],
)
def test_parts_of_another_kind_are_refused(given, wanted, said, tmp_path):
    """They would stay new, or be left out, and features would be others."""
    torch.save(HSIViT(4, **KINDS | given).state_dict(), tmp_path / "a.pth")
    with pytest.raises(ConfigError, match=said):
        transfer_weights(HSIViT(4, **KINDS | wanted), tmp_path / "a.pth")


def test_a_new_embedding_of_another_kind_is_taken_where_it_is_asked_for(tmp_path):
    torch.save(HSIViT(**KINDS, embedding="spectral-stem").state_dict(), tmp_path / "a.pth")
    model = HSIViT(128, **KINDS)  # as many bands as the stem gives channels
    report = transfer_weights(model, tmp_path / "a.pth", input_layer="reinit")
    assert {key.partition(".")[0] for key in report.new} == {"patch_embed"}
