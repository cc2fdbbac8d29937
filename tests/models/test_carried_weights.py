"""The encoder that comes with mmhsi: its features, and the ways to it by name."""

import numpy as np
import pytest
import torch
from mmengine.runner import load_checkpoint

from mmhsi import SceneClassifier
from mmhsi.config_files import load_config
from mmhsi.datasets.simulation import simulate_scene
from mmhsi.errors import ConfigError
from mmhsi.evaluation.probes import knn_probe
from mmhsi.models.weights import checkpoint_spec, read_checkpoint, weights_file
from mmhsi.registry import MODELS
from mmhsi.utils import register_all_modules
from tests.scripts import REPOSITORY, load_script

NAME = "mmhsi-vit-tiny-wavelength"
CENTRES = torch.linspace(420, 2450, 30).tolist()
FEATURES = [
    [-0.1599, 0.1609, 3.2225, -0.2015],
    [0.0026, 0.0265, 3.2890, -0.1878],
    [-0.0108, 0.0121, 3.3111, -0.2187],
    [-0.0675, -0.0608, 3.2710, -0.1867],
    [-0.1005, -0.0570, 3.2826, -0.2200],
]
"""The first four of CLS and each patch, which the training's own checkpoint, in float32, gives for the image below."""


@pytest.fixture
def encoder(tmp_path):
    """Built as a config that names it does."""
    config = tmp_path / "config.py"
    config.write_text(f"model = dict(backbone=dict(pretrained='{NAME}'))\n")
    built = MODELS.build(load_config(config).model.backbone)
    built.init_weights()
    return built.eval()


def test_its_features_are_those_of_the_training(encoder):
    image = torch.sin(torch.arange(30 * 36, dtype=torch.float64) * 0.3717).float().view(1, 30, 6, 6)
    with torch.no_grad():
        tokens = encoder.forward_tokens(image, wavelengths=CENTRES).sequence()
    torch.testing.assert_close(tokens[0, :, :4], torch.tensor(FEATURES), atol=2e-3, rtol=0)


def test_it_is_small_and_says_what_it_has_seen():
    path = weights_file(NAME)
    assert path.stat().st_size < 10e6
    checkpoint = read_checkpoint(path)
    sensors = checkpoint_spec(checkpoint, path).sensors
    assert len(sensors) == 9
    assert not [each["name"] for each in sensors if "enmap" in each["name"]]
    assert {value.dtype for value in checkpoint["state_dict"].values()} == {torch.float16, torch.int64, torch.bool}


def test_a_frozen_probe_differs_from_an_untrained_encoders(encoder):
    scene = simulate_scene(height=36, width=36, bands=40)
    cube = (scene.cube - scene.cube.mean((0, 1))) / scene.cube.std((0, 1)).clip(1e-6)
    places = [(row, column) for row in range(4, 32, 2) for column in range(4, 32, 2)]
    windows = np.stack([cube[row - 4 : row + 5, column - 4 : column + 5] for row, column in places])
    labels = np.array([scene.labels[place] for place in places], dtype=np.int64)
    chosen = np.random.default_rng(0).permutation(len(places))
    train, test = chosen[::2], chosen[1::2]
    torch.manual_seed(0)
    untrained = MODELS.build(dict(type="HSIViT", arch="tiny", img_size=24, patch_size=3, embedding="wavelength")).eval()
    guesses = []
    for network in (encoder, untrained):
        images = torch.from_numpy(windows).permute(0, 3, 1, 2).float()
        with torch.no_grad():
            features = network.forward_tokens(images, wavelengths=scene.wavelengths).patches[:, 4].numpy()
        guesses.append(knn_probe(features[train], labels[train], features[test]))
        assert (guesses[-1] == labels[test]).mean() > 2 / len(np.unique(labels))
    assert (guesses[0] != guesses[1]).any()


def test_mmengine_loads_it_by_the_address_of_the_metafile():
    register_all_modules(init_default_scope=False)
    cfg = load_config(REPOSITORY / "configs/mixed/mae-wavelength_hsi-vit-tiny-p3_mixed.py")
    model = MODELS.build(cfg.model)  # its preprocessor without sensors, as mmengine's get_model builds it
    assert f"Weights: mmhsi://{NAME}" in (REPOSITORY / "configs/mixed/metafile.yml").read_text().replace("'", "")
    load_checkpoint(model, f"mmhsi://{NAME}")
    expected = read_checkpoint(weights_file(NAME))["state_dict"]["backbone.layers.3.ln1.weight"].float()
    assert torch.equal(model.backbone.layers[3].ln1.weight, expected)
    with pytest.raises(ConfigError, match="sensors is missing"):
        model.data_preprocessor(dict(inputs=[torch.zeros(3, 24, 24)], data_samples=[]))
    with pytest.raises(ConfigError, match="none of the public weights; nearest: 'mmhsi-vit-tiny-wavelength'"):
        load_checkpoint(model, "mmhsi://mmhsi-vit-tiny-wavelengths")


def test_the_command_tells_of_it_and_has_nothing_to_get(monkeypatch, capsys, tmp_path):
    main = load_script("tools/weights.py").main
    for arguments, said in ((["list"], f"{NAME}   Apache-2.0"), (["list", NAME], str(weights_file(NAME)))):
        monkeypatch.setattr("sys.argv", ["weights", *arguments])
        main()
        assert said in capsys.readouterr().out
    (tmp_path / "file.pth").touch()
    for arguments in (["get", NAME], ["convert", NAME, str(tmp_path / "file.pth")]):
        monkeypatch.setattr("sys.argv", ["weights", *arguments])
        with pytest.raises(ConfigError, match="comes with mmhsi"):
            main()


def test_the_estimator_takes_it_where_wavelengths_are_known():
    rng = np.random.default_rng(0)
    truth = np.repeat([1, 2], 8)[:, None].repeat(12, axis=1)
    cube = (rng.normal(size=(3, 12))[truth] + rng.normal(0, 0.5, (16, 12, 12))).astype(np.float32)
    with pytest.raises(ConfigError, match=rf"pretrained {NAME}: takes the bands' wavelengths, which the scene does"):
        SceneClassifier(pretrained=NAME, models="lda", folds=2).fit(cube, truth)
