"""Networks and pretrained encoders as candidates, a mean of both kinds as one model, and features."""

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope

import mmhsi
from mmhsi import SceneClassifier
from mmhsi.errors import ConfigError
from mmhsi.estimator import candidates, networks
from mmhsi.estimator.candidates import Candidate, choose_candidates
from mmhsi.io import read_class_map
from mmhsi.models.weights import read_checkpoint, write_checkpoint
from mmhsi.registry import MODELS


@pytest.fixture(scope="module")
def stripes():
    """A cube of three noisy stripes, some labels, and the truth from 1."""
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 2, 3], 8)[:, None].repeat(20, axis=1)
    cube = rng.normal(size=(4, 12))[truth] + rng.normal(0, 0.7, (24, 20, 12))
    labels = np.where(rng.random(truth.shape) < 0.15, truth, 0)
    return cube.astype(np.float32), labels, truth


@pytest.fixture
def epochs(monkeypatch):
    """Sets the epochs of every network."""
    whole = networks.load_config

    def of_all(number):
        def load(name):
            cfg = whole(name)
            cfg.train_cfg.max_epochs = number
            return cfg

        monkeypatch.setattr(networks, "load_config", load)

    return of_all


@pytest.fixture
def short(epochs):
    """A few epochs are enough here."""
    epochs(8)


def test_a_network_and_a_classical_candidate_are_one_model(stripes, short, tmp_path, run_tool):
    cube, labels, truth = stripes
    np.save(tmp_path / "cube.npy", cube)
    model = SceneClassifier(minutes=20, models=["lda", "cnn2d"], folds=2)
    model.fit(tmp_path / "cube.npy", labels, workdir=tmp_path / "work")
    assert {one["name"] for one in model.report.candidates} == {"LDA", "CNN2D"}
    result = model.predict(tmp_path / "cube.npy")
    assert (result.classes + 1 == truth).mean() > 0.85
    assert run_tool("predict", model.checkpoint_, tmp_path / "cube.npy", "--out", tmp_path / "again.tif") == 0
    assert (read_class_map(tmp_path / "again.tif").classes == result.classes).all()
    before = model.checkpoint_.read_bytes()
    again = SceneClassifier(minutes=20, models=["lda", "cnn2d"], folds=2)
    again.fit(tmp_path / "cube.npy", labels, workdir=tmp_path / "work", resume=True)
    assert model.checkpoint_.read_bytes() == before  # trained anew to the same weights


def test_a_mean_is_the_mean_of_its_members():
    torch.manual_seed(0)
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3)
    preprocessor = dict(type="ScenePreprocessor", num_bands=4)
    network = dict(
        data_preprocessor=preprocessor,
        type="PixelClassifier",
        backbone=dict(type="CNN2D", in_channels=4),
        neck=dict(type="CenterContext"),
        head=head,
    )
    members = [dict(model=network, start=1, stop=5, window=3), dict(model=network, stop=4, window=5, weight=3)]
    with DefaultScope.overwrite_default_scope("mmhsi"):
        mean = MODELS.build(
            dict(
                type="MeanOfClassifiers",
                data_preprocessor=dict(type="ScenePreprocessor", num_bands=7),
                backbone=dict(type="ClassifierMembers", members=members),
            )
        ).eval()
    x, (first, second) = torch.randn(6, 7, 7, 7), mean.backbone.networks
    by_hand = (first.predict_scores(x[:, 1:5, 2:5, 2:5]) + 3 * second.predict_scores(x[:, :4, 1:6, 1:6])) / 4
    assert torch.allclose(mean.predict_scores(x), by_hand, atol=1e-6)
    mean.temperature = 2.0
    root = by_hand.sqrt()
    assert torch.allclose(mean.predict_scores(x), root / root.sum(dim=1, keepdim=True), atol=1e-6)


def test_a_training_that_would_be_late_is_left_out(stripes, epochs, tmp_path):
    epochs(10**6)
    lines = []
    model = SceneClassifier(minutes=1, models=["lda", "hsivit-tiny"], folds=2)
    model.fit(*stripes[:2], workdir=tmp_path, say=lines.append)
    assert model.weights_ == {"LDA": 1}
    assert any("HSIViT tiny: left out, trying it and the map" in line for line in lines)
    assert any(
        text.startswith("left out, begun or not, for trying and map would not fit into ")
        for text in model.report.decisions
    )


def test_networks_that_cannot_matter_are_tried_only_where_they_are_named(stripes, short, monkeypatch):
    """Stripes without noise leave nothing to gain."""
    _, labels, truth = stripes
    clean = np.random.default_rng(0).normal(size=(4, 12))[truth] + 1e-3 * np.arange(20)[:, None]
    names = ("LDA", "CNN2D")
    monkeypatch.setattr(candidates, "CANDIDATES", [one for one in candidates.CANDIDATES if one.name in names])
    lines = []
    model = SceneClassifier(minutes=20, folds=2).fit(clean, labels, say=lines.append)
    count = (labels > 0).sum()
    said = f"not tried: CNN2D, for LDA has 0 of {count} held-out pixels wrong"
    assert f"  {said}" in lines
    assert said in model.report.decisions
    assert [one["name"] for one in model.report.candidates] == ["LDA"]
    named = SceneClassifier(minutes=20, models=["lda", "cnn2d"], folds=2).fit(clean, labels)
    assert [one["name"] for one in named.report.candidates] == ["LDA", "CNN2D"]


def encoder(path, bands=None, prefix="backbone.", **options):
    """A checkpoint of a pretraining, its weights those of a seed."""
    torch.manual_seed(1)
    size = dict(arch="tiny", img_size=9, patch_size=3)
    with DefaultScope.overwrite_default_scope("mmhsi"):
        backbone = MODELS.build(dict(type="HSIViT", in_channels=bands, **size) | options)
    state = {f"{prefix}{name}": value for name, value in backbone.state_dict().items()}
    write_checkpoint({"meta": {}, "state_dict": state}, path)
    return state


@pytest.mark.slow
def test_an_encoder_is_recognised_and_starts_a_candidate(stripes, short, tmp_path):
    state = encoder(tmp_path / "encoder.pth", 12)
    model = SceneClassifier(minutes=20, models="lda", folds=2, pretrained=str(tmp_path / "encoder.pth"))
    model.fit(*stripes[:2], workdir=tmp_path / "work")
    assert {one["name"] for one in model.report.candidates} == {"LDA", "pretrained encoder"}
    assert any("first layer was taken as it is" in text for text in model.report.decisions)
    spec = networks.WindowTable(np.zeros((1, 9, 9, 12), np.float32), np.ones((1, 9, 9), bool), np.zeros(1, int), None)
    assert spec.inputs().shape == (1, 12, 9, 9)
    assert state["backbone.layers.0.ln1.weight"].shape == (128,)


def test_public_weights_are_taken_by_name(stripes, tmp_path, monkeypatch):
    from dataclasses import replace

    from mmhsi.estimator import pretrained
    from mmhsi.models.weights.families import catalogue
    from mmhsi.spec import InputSpec

    arch = dict(embed_dims=32, num_layers=1, num_heads=2, feedforward_channels=32)
    config = dict(type="HSIViT", arch=arch, img_size=12, patch_size=4, embedding="wavelength")
    small = replace(catalogue.WEIGHTS["spectralearth-vit-s"], backbone=config)
    monkeypatch.setitem(catalogue.WEIGHTS, "spectralearth-vit-s", small)
    monkeypatch.setenv("MMHSI_WEIGHTS", str(tmp_path))
    with pytest.raises(ConfigError, match="are not there"):
        SceneClassifier(pretrained="spectralearth-vit-s").fit(*stripes[:2])
    with pytest.raises(ConfigError, match="spectralearth-vit-ss: no such file or public weights; nearest: 'spectral"):
        SceneClassifier(pretrained="spectralearth-vit-ss").fit(*stripes[:2])
    with DefaultScope.overwrite_default_scope("mmhsi"):
        state = MODELS.build(config).state_dict()
    named = {f"backbone.{name}": value for name, value in state.items()}
    write_checkpoint({"meta": {}, "state_dict": named}, tmp_path / "spectralearth-vit-s.pth")
    assert pretrained.pretrained_candidate("spectralearth-vit-s").window == 12
    spec = InputSpec(classes=("a",), bands=tuple(range(5)), file_bands=5, num_bands=5)
    with pytest.raises(ConfigError, match="wavelengths"):
        pretrained.check_encoder("spectralearth-vit-s", spec)
    known = replace(spec, model_wavelengths=(450.0, 550.0, 650.0, 850.0, 1600.0))
    assert "any bands" in pretrained.check_encoder("spectralearth-vit-s", known)


@pytest.mark.parametrize("embedding", ["wavelength", "spectral-stem", "band-attention"])
@pytest.mark.parametrize("prefix", ["backbone.", "teacher.backbone."])
def test_an_encoder_of_any_bands_is_recognised_by_its_weights(embedding, prefix, tmp_path):
    from mmhsi.estimator import pretrained
    from mmhsi.spec import InputSpec

    given = tmp_path / "encoder.pth"
    encoder(given, prefix=prefix, embedding=embedding, patch_size=4, img_size=12)
    assert pretrained.pretrained_candidate(given).window == 12
    spec = InputSpec(classes=("a",), bands=tuple(range(5)), file_bands=5, num_bands=5)
    with pytest.raises(ConfigError, match=r"encoder.pth: takes the bands' wavelengths, .* scene=dict\(wavelengths"):
        pretrained.check_encoder(given, spec)
    from dataclasses import replace

    for centres in ((450.0, 550.0, 650.0, 850.0, 1600.0), (400.0, 700.0, 1000.0, 2000.0, 2300.0)):
        known = replace(spec, model_wavelengths=centres)
        assert "any bands" in pretrained.check_encoder(given, known)
        made = pretrained.encoder_config(given, known)
        assert (made["embedding"], made["patch_size"], made["wavelengths"]) == (embedding, 4, list(centres))


@pytest.mark.slow
def test_an_encoder_of_any_bands_is_a_candidate_on_other_bands(stripes, short, tmp_path):
    cube, labels, truth = stripes
    encoder(tmp_path / "encoder.pth", embedding="wavelength")
    model = SceneClassifier(minutes=20, models="lda", folds=2, pretrained=str(tmp_path / "encoder.pth"))
    centres = [400.0 + 100 * band for band in range(cube.shape[2])]
    model.fit(cube, labels, scene=dict(wavelengths=centres), workdir=tmp_path / "work")
    assert {one["name"] for one in model.report.candidates} == {"LDA", "pretrained encoder"}
    assert (model.predict(cube).classes + 1 == truth).mean() > 0.85


def test_published_files_and_converted_ones_are_told_apart(tmp_path, monkeypatch):
    """Converted ones have their facts; as published they are of other sizes and other arithmetic."""
    from dataclasses import replace

    from mmhsi.estimator.pretrained import Encoder
    from mmhsi.models.weights.families import catalogue

    small = dict(type="HSIViT", arch="tiny", img_size=12, patch_size=4, embedding=dict(type="DOFAEmbed"))
    monkeypatch.setitem(catalogue.WEIGHTS, "dofa-vit-b", replace(catalogue.WEIGHTS["dofa-vit-b"], backbone=small))
    state = encoder(tmp_path / "made.pth", **small)
    write_checkpoint({"meta": {"public": "dofa-vit-b"}, "state_dict": state}, tmp_path / "made.pth")
    assert Encoder.of(tmp_path / "made.pth").config["embedding"] == dict(type="DOFAEmbed")
    published = {"patch_embed.weight_generator.weight_tokens": torch.zeros(1)}
    write_checkpoint({"meta": {}, "state_dict": published}, tmp_path / "published.pth")
    with pytest.raises(ConfigError, match="weights of DOFA as they are published; first mmhsi weights convert NAME"):
        SceneClassifier(pretrained=str(tmp_path / "published.pth")).fit(np.zeros((4, 4, 3)), np.ones((4, 4), int))


def test_an_encoder_that_does_not_fit_is_said_at_once(stripes, tmp_path):
    write_checkpoint({"meta": {}, "state_dict": {"conv.weight": torch.zeros(3)}}, tmp_path / "other.pth")
    with pytest.raises(ConfigError, match="holds no encoder of HSIViT's layout"):
        SceneClassifier(pretrained=str(tmp_path / "other.pth")).fit(*stripes[:2])
    with pytest.raises(ConfigError, match="pretrained=3 given, expected a checkpoint's path or a name"):
        SceneClassifier(pretrained=3).fit(*stripes[:2])
    odd = {name.replace("layers.3.", "layers.5."): value for name, value in encoder(tmp_path / "e.pth", 12).items()}
    write_checkpoint({"meta": {}, "state_dict": odd}, tmp_path / "odd.pth")
    with pytest.raises(ConfigError, match="width 128 and 6 layers"):
        SceneClassifier(pretrained=str(tmp_path / "odd.pth")).fit(*stripes[:2])


def test_a_candidate_is_a_line(monkeypatch, stripes, short, tmp_path):
    line = Candidate("CNN on channels", config="mmhsi::comparison/cnn2d.py", sees="channels", window=3)
    monkeypatch.setattr(candidates, "CANDIDATES", (*candidates.CANDIDATES, line))
    assert choose_candidates("cnn-on-channels") == [line]


def test_features_are_what_the_model_decides_by(stripes, short, tmp_path):
    cube, labels, _ = stripes
    np.save(tmp_path / "cube.npy", cube)
    model = SceneClassifier(minutes=20, models=["cnn2d"], folds=2).fit(tmp_path / "cube.npy", labels, workdir=tmp_path)
    found = mmhsi.features(tmp_path / "cube.npy", model.checkpoint_)
    assert found.shape == (24, 20, 128)
    state = read_checkpoint(model.checkpoint_)["state_dict"]
    assert np.isfinite(found).all()
    classical = SceneClassifier(minutes=1, models="lda").fit(tmp_path / "cube.npy", labels, workdir=tmp_path / "c")
    channels = mmhsi.features(tmp_path / "cube.npy", classical.checkpoint_)
    kept = read_checkpoint(classical.checkpoint_)["state_dict"]["samples"]
    assert channels[labels > 0] == pytest.approx(kept.numpy(), abs=1e-4)
    assert any(name.startswith("backbone.networks.0.backbone") for name in state)
