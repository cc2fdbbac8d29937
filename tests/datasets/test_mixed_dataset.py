"""Corpora of several sensors: samples, statistics, batches, and pretraining on them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate

from mmhsi.datasets import MixedDataset, SeededSampler, SensorBatchSampler
from mmhsi.datasets.samplers.sensor_batches import share_out
from mmhsi.engine.numbers import resolve_numbers
from mmhsi.errors import ConfigError, DataError
from mmhsi.io import HSICube, write_cube
from mmhsi.models.preprocessors import fit_preprocessor
from mmhsi.registry import MODELS
from mmhsi.spec import InputSpec
from tests.small_models import DECODER, SMALL

PIPELINE = [dict(type="RandomReadWindow", size=6), dict(type="LoadCube"), dict(type="PackTile")]


def scene(path, bands, mean, spread, wavelengths=None):
    values = np.random.default_rng(bands).normal(mean, spread, (12, 14, bands)).astype(np.float32)
    write_cube(path, HSICube(values, wavelengths=wavelengths))


def part(root, name, samples, **settings):
    dataset = dict(
        type="CorpusDataset", data_root=str(root), image_dir=name, samples_per_scene=samples, pipeline=PIPELINE
    )
    return dict(dataset=dataset, **settings)


@pytest.fixture
def sensors(tmp_path):
    """Sensors of 5 and 8 bands, of other units; one file knows its centres."""
    scene(tmp_path / "a.tif", 5, 4000, 900, wavelengths=np.asarray([450.0, 550, 650, 800, 900]))
    scene(tmp_path / "b.tif", 8, 0.3, 0.05)
    return dict(first=part(tmp_path, "a.tif", 16), second=part(tmp_path, "b.tif", 8, wavelengths=[400, 1100]))


def mae():
    return dict(
        type="MAE",
        data_preprocessor=dict(type="SensorTilePreprocessor", sensors=dict(first=5, second=8)),
        backbone=dict(type="HSIViT", arch=SMALL, img_size=6, patch_size=2, embedding="wavelength"),
        decoder=dict(type="MAEDecoder", **{key: DECODER[key] for key in ("decoder_embed_dims", "depth", "num_heads")}),
    )


def test_samples_say_whose_they_are(sensors):
    data = MixedDataset(sensors)
    assert len(data) == 24
    first, second = data[15], data[16]
    assert (first["inputs"].shape, second["inputs"].shape) == ((5, 6, 6), (8, 6, 6))
    assert first["data_samples"].metainfo["sensor"] == "first"
    assert first["data_samples"].metainfo["wavelengths"] == (450, 550, 650, 800, 900)
    assert second["data_samples"].metainfo["wavelengths"] == tuple(range(400, 1101, 100))
    spec = InputSpec.from_meta(data.metainfo, "test")
    assert [sensor["num_bands"] for sensor in spec.sensors] == [5, 8]
    statistics = data.band_statistics()
    assert statistics.mean == pytest.approx([4000] * 5 + [0.3] * 8, rel=0.05)
    assert statistics.std == pytest.approx([900] * 5 + [0.05] * 8, rel=0.2)


def sampler(ends, weights, batch, rank=0, ranks=1, epoch=0):
    data = SimpleNamespace(ends=ends, weights=weights, __len__=lambda: ends[-1])
    whole = SeededSampler.__new__(SeededSampler)
    whole.dataset, whole.rank, whole.world_size, whole.seed, whole.epoch = data, rank, ranks, 3, epoch
    return SensorBatchSampler(whole, batch)


def test_batches_are_of_one_sensor_by_weight():
    plan = list(sampler((100, 160), (1, 3), 10))
    assert len(plan) == 16
    of_second = [index >= 100 for batch in plan for index in batch]
    assert sum(of_second) == 10 * share_out(16, (1, 3))[1]
    assert all(len({index >= 100 for index in batch}) == 1 for batch in plan)
    # 120 draws of 60 samples: each of them twice.
    counts = np.bincount([index - 100 for batch in plan for index in batch if index >= 100])
    assert counts.max() - counts.min() <= 1
    assert plan != list(sampler((100, 160), (1, 3), 10, epoch=1))
    assert plan == list(sampler((100, 160), (1, 3), 10))


def test_two_ranks_share_the_batches_of_one():
    one = list(sampler((40, 64), (1, 1), 8))
    ranks = [list(sampler((40, 64), (1, 1), 4, rank=rank, ranks=2)) for rank in (0, 1)]
    for step, batch in enumerate(one):
        joined = [index for pair in zip(ranks[0][step], ranks[1][step], strict=True) for index in pair]
        assert joined == batch
        assert [index.seed for index in joined] == [index.seed for index in batch]


@pytest.mark.parametrize(
    ("steps", "weights", "shares"), [(10, (1, 1), [5, 5]), (10, (3, 1), [7, 3]), (3, (1, 100, 1), [1, 1, 1])]
)
def test_steps_are_shared_out_by_weight(steps, weights, shares):
    assert share_out(steps, weights) == shares


def test_a_network_learns_from_sensors_in_turn(sensors):
    data = MixedDataset(sensors)
    torch.manual_seed(0)
    model = MODELS.build(mae())
    fit_preprocessor(model.data_preprocessor, data)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    losses = {"first": [], "second": []}
    for step in range(30):
        name, place = ("first", 0) if step % 2 else ("second", 16)
        batch = model.data_preprocessor(pseudo_collate([data[place + index] for index in range(4)]), training=True)
        assert batch["inputs"].abs().mean() < 1.2  # by this sensor's own statistics
        loss = model(**batch, mode="loss")["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses[name].append(loss.item())
    lost = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert lost == []
    assert all(np.isfinite(some).all() for some in losses.values())
    (made,) = model(**batch, mode="predict")[0].values()
    assert made.prediction.shape == batch["inputs"].shape[1:]


def test_restoring_gives_the_sensors_own_units(sensors):
    data = MixedDataset(sensors)
    preprocessor = MODELS.build(mae()["data_preprocessor"])
    fit_preprocessor(preprocessor, data)
    raw = pseudo_collate([data[17]])
    batch = preprocessor(raw)
    assert torch.allclose(preprocessor.restore(batch["inputs"])[0], raw["inputs"][0].float(), atol=1e-4)
    assert batch["wavelengths"] == tuple(range(400, 1101, 100))
    with pytest.raises(ConfigError, match="expected one of first, second"):
        preprocessor(pseudo_collate([data[0], data[20]]))


def test_what_is_wrong_is_said(tmp_path, sensors):
    second = sensors["second"]
    cases = [
        ({}, "sensors is empty"),
        (dict(second=dict(second, wavelength=1)), "has keys"),
        (dict(second=dict(dataset=second["dataset"])), "wavelengths of its 8 bands"),
        (dict(second=dict(second, wavelengths=[400, 500, 600])), "3 wavelengths for 8 bands"),
        (dict(second=dict(second, weight=0)), "weight=0"),
        (dict(second=dict(second, weight=float("inf"))), "weight=inf"),
        (dict(second=dict(second, weight="2")), "weight='2'"),
        (dict(second=dict(second, wavelengths=[0.4, 1.1])), "µm"),
        (dict(second=dict(second, wavelengths=[400, float("nan")])), "wavelengths=nan"),
        (dict(second=dict(second, wavelengths=500)), "a list of wavelengths"),
        (dict(second="b.tif"), r"sensors\['second'\] is no"),
        ([second], "sensors is a list"),
        (dict(first=dict(sensors["first"], wavelengths=[400, 900])), "leave it out"),
    ]
    for given, said in cases:
        with pytest.raises(ConfigError, match=said):
            MixedDataset(given)
    with pytest.raises(DataError, match="2 batches of 10"):
        sampler((8, 16, 24), (1, 1, 1), 10)
    with pytest.raises(ConfigError, match="sensors"):
        InputSpec(classes=(), bands=(), file_bands=0, num_bands=0, sensors=(dict(name="a", num_bands=2),))


@pytest.mark.parametrize("kind", ["HSIViT", "SpatialSpectralViT", "HyperSIGMASpatial"])
def test_a_backbone_of_certain_bands_is_refused_before_anything_is_trained(kind):
    spec = InputSpec(
        classes=(), bands=(), file_bands=0, num_bands=0, sensors=(dict(name="a", num_bands=1, wavelengths=[550.0]),)
    )
    model = dict(backbone=dict(type=kind, in_channels=1), data_preprocessor=dict(type="SensorTilePreprocessor"))
    with pytest.raises(ConfigError, match=f"{kind} is of certain bands, the data are of several sensors"):
        resolve_numbers(model, spec, "the data")
    for known in (dict(type="HSIViT", embedding="wavelength"), dict(type="SST", embedding="spectral-blocks")):
        model["backbone"] = known
        resolve_numbers(model, spec, "the data")
    assert model["data_preprocessor"]["sensors"] == {"a": 1}
