"""Backbones of any bands beside HSIViT, and pretraining on them: what holds of every one."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import IMAEViT, SSMAEViT
from mmhsi.registry import MODELS
from tests.models.test_embeddings import relative, spectra
from tests.small_algorithms import ARCH, DECODER, SST

SIDE = 9
BACKBONES = {
    "IMAEViT": dict(arch=ARCH, spectral_channels=16, embedding="wavelength"),
    "SSMAEViT": dict(arch=ARCH, window=SIDE, patch_size=3, embedding="band-attention"),
    "SST": dict(arch=SST, patch_size=3, bands_per_block=8, embedding="spectral-blocks"),
}
ALGORITHMS = {
    "IMAEViT": dict(type="IMAE", decoder=dict(type="IMAEDecoder", **DECODER)),
    "SSMAEViT": dict(type="SSMAE", decoder_embed_dims=16, decoder_depth=1, decoder_num_heads=2),
    "SST": dict(type="LOMSST"),
}
ANY = pytest.mark.parametrize("name", BACKBONES)
EVEN = torch.linspace(420, 2450, 60)


def backbone(name, **options):
    torch.manual_seed(0)
    return MODELS.build(dict(type=name, **BACKBONES[name], **options)).eval()


def algorithm(name):
    torch.manual_seed(0)
    return MODELS.build(dict(**ALGORITHMS[name], backbone=dict(type=name, **BACKBONES[name])))


def features(model, nm, order=None):
    """The map of scenes that are the same for every sensor, their bands in some order."""
    x = spectra(nm.tolist(), side=SIDE)
    order = torch.arange(len(nm)) if order is None else order
    with torch.no_grad():
        return model(x[:, order], wavelengths=nm[order].tolist())[0]


@ANY
def test_the_order_of_the_bands_does_not_matter(name):
    model = backbone(name)
    assert model.band_axes() == {}
    assert torch.allclose(features(model, EVEN), features(model, EVEN, torch.randperm(60)), atol=1e-4)


@ANY
def test_a_band_that_is_there_twice_changes_little(name):
    model = backbone(name)
    twice = torch.cat([torch.arange(60), torch.tensor([0, 17, 17, 59])])
    # Nothing but what SSMAEViT's spectral branch makes of four tokens more, 4 of 64.
    bound = 0.02 if name == "SSMAEViT" else 1e-4
    assert relative(features(model, EVEN, twice), features(model, EVEN)) < bound


@ANY
def test_missing_bands_are_absent(name):
    """The features are those of a sensor that never had the bands: no place of theirs is kept or filled."""
    model, kept = backbone(name), torch.cat([torch.arange(20), torch.arange(40, 60)])
    tokens = model.embed(spectra(EVEN[kept].tolist(), side=SIDE), wavelengths=EVEN[kept].tolist())
    filled = {int(nm - 350) // 80 for nm in EVEN[kept].tolist()}
    assert tokens.patches.shape[1] == {"IMAEViT": SIDE**2, "SSMAEViT": 9, "SST": 9 * len(filled)}[name]
    if tokens.spectral is not None:
        assert tokens.spectral.shape[1] == 40
    assert torch.isfinite(features(model, EVEN, kept)).all()


@ANY
def test_the_same_ground_seen_by_another_sensor_has_near_features(name):
    model = backbone(name)
    dense = torch.linspace(420, 2450, 202)
    same, other = (relative(features(model, nm), features(model, dense)) for nm in (EVEN, dense * 0.5 + 250))
    assert same < 0.1
    assert other > 2 * same


@ANY
def test_sensors_in_turn_train_every_weight(name):
    model = algorithm(name)
    for bands in (40, 7):
        nm = torch.linspace(420, 2450, bands).tolist()
        losses = model(spectra(nm, side=SIDE), wavelengths=nm, mode="loss")
        sum(losses.values()).backward()
        samples = model(spectra(nm, side=SIDE), wavelengths=nm, mode="predict")
        for made in samples[0].values():
            assert made.prediction.shape == made.target.shape == made.hidden.shape == (bands, SIDE, SIDE)
            assert 0 < made.hidden.sum() < made.hidden.numel()
    assert [name for name, weight in model.named_parameters() if weight.grad is None] == []


def test_blocks_are_ranges_in_nm():
    model = backbone("SST")
    # Blocks of 8 samples of 10 nm from 350: 430 to 510 is block 1, 910 to 990 block 7; samples at 435, 445, …
    filled = model.blocks.filled([950.0, 441.0, 509.0], torch.zeros(1))
    assert filled.blocks.tolist() == [1, 7]
    assert filled.nearest.tolist() == [8 + 4, 1, 7]
    x = torch.tensor([3.0, 1.0, 2.0])
    values = (filled.resample @ x).tolist()
    assert values[0] == 1.0  # before the first band
    assert values[1] == pytest.approx(1 + 4 / 68)  # at 445 nm, from 441 to 509
    assert values[8 + 4] == pytest.approx(3.0, abs=0.02)  # at 955 nm, behind the last band


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: IMAEViT(arch=ARCH), "in_channels"),
        (lambda: SSMAEViT(arch=ARCH, embedding="spectral-block"), "embedding='spectral-block'"),
        (lambda: backbone("SST")(torch.zeros(1, 3, 6, 6)), "wavelengths"),
        (lambda: backbone("SST")(torch.zeros(1, 2, 6, 6), [500, 9000]), "9000 nm is in no block"),
        (lambda: backbone("SST", wavelengths=[500, 9000]), "9000 nm is in no block"),
        (lambda: backbone("SST", spectral_pool="concat"), "concat"),
        (lambda: MODELS.build(dict(type="SST", embedding=dict(lo=400))), "expected one of low, high, step|'low'"),
        (lambda: backbone("SST", out_indices=(9,)), "out_indices"),
    ],
)
def test_what_cannot_work_is_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()
