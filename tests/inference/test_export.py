"""Exported and published models against the model they were made of."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from scene_models import CLASSES, PIXEL, SEGMENT, STATISTICS, USED, pixel_model

from mmhsi.errors import ConfigError, FileFormatError
from mmhsi.inference import SceneInferencer
from mmhsi.inference import export as export_module
from mmhsi.inference.export import export_model
from mmhsi.inference.publishing import publish_checkpoint
from mmhsi.inference.window_model import WindowModel
from mmhsi.models.weights import read_checkpoint

pytestmark = pytest.mark.filterwarnings("ignore")


def run_onnx(path, x):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {"values": x.numpy()})[0]


def run_program(path, x):
    return torch.export.load(path).module()(x).detach().numpy()


@pytest.mark.parametrize(("suffix", "run"), [(".onnx", run_onnx), (".pt2", run_program)])
@pytest.mark.parametrize("by_pixel", [True, False])
def test_a_file_gives_the_probabilities_of_raw_values(trained, tmp_path, by_pixel, suffix, run):
    nm, steps = [500.0, 600.0, 700.0, 900.0], [dict(type="ScaleReflectance", factor=2.0)]
    config, checkpoint, model = trained(PIXEL if by_pixel else SEGMENT, model_wavelengths=nm, transforms=steps)
    out = tmp_path / "new" / f"model{suffix}"
    assert export_model(WindowModel(config, checkpoint, "cpu"), out, (6, 6)) < 1e-5
    raw = 500 + 200 * torch.randn(3, 4, 6, 6)
    with torch.no_grad():
        x = (raw - 500) / 200
        logits = model(x, mode="tensor") if by_pixel else model.encode_decode(x, [dict(img_shape=(6, 6))])
    found = run(out, raw)
    assert found.shape == ((3, 3) if by_pixel else (3, 3, 6, 6))
    np.testing.assert_allclose(found, logits.softmax(1).numpy(), atol=1e-6)
    if suffix == ".onnx":
        meta = {entry.key: json.loads(entry.value) for entry in onnx.load(out).metadata_props}
        assert (meta["classes"], meta["bands"], meta["window"]) == (CLASSES, USED, [6, 6])
        assert (meta["wavelengths_nm"], meta["transforms"]) == (nm, steps)
        assert "what transforms make of the units of the training" in meta["input"]


@pytest.mark.parametrize("embedding", ["wavelength", "spectral-stem", "band-attention", "fixed"])
def test_encoders_of_any_bands_and_rotary_positions_are_exported(trained, tmp_path, embedding):
    """What an embedding makes of the bands' centres is a constant of the file."""
    nm = [500.0, 600.0, 700.0, 900.0]
    arch = dict(embed_dims=32, num_layers=1, num_heads=2, feedforward_channels=32)
    backbone = dict(type="HSIViT", arch=arch, img_size=6, patch_size=3, embedding=embedding)
    backbone |= dict(pos_embed="rotary", in_channels=4) if embedding == "fixed" else dict(wavelengths=nm)
    model = pixel_model(backbone, dict(type="CenterContext"), 64)
    config, checkpoint, _ = trained(model, model_wavelengths=nm)
    assert export_model(WindowModel(config, checkpoint, "cpu"), tmp_path / "model.onnx", (6, 6)) < 1e-5
    names = [each.op_type for each in onnx.load(tmp_path / "model.onnx").graph.node]
    assert "Unique" not in names


def test_what_is_not_exported(trained, tmp_path, monkeypatch):
    config, checkpoint, _ = trained(PIXEL)
    model = WindowModel(config, checkpoint, "cpu")
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.onnx or \.pt2"):
        export_model(model, tmp_path / "model.pt", (6, 6))
    monkeypatch.setattr(export_module, "_save_program", lambda *_: lambda x: torch.zeros(len(x), 3))
    with pytest.raises(ConfigError, match=r"not written, the exported model's probabilities differ by 0\.\d+"):
        export_model(model, tmp_path / "model.pt2", (6, 6))
    assert not list(tmp_path.glob("*model.pt2"))
    two = pixel_model({**PIXEL["backbone"], "in_channels": 6}, dict(type="CenterContext"), 32, second_bands=2)
    model = WindowModel(*trained(two, second_bands=2, second_scale=3)[:2], "cpu")
    with pytest.raises(ConfigError, match="takes two sources"):
        export_model(model, tmp_path / "model.pt2", (6, 6))


@pytest.mark.parametrize("model", [PIXEL, SEGMENT], ids=["pixels", "tiles"])
def test_a_published_checkpoint_needs_no_config(trained, scene, map_of, tmp_path, model):
    config, checkpoint, _ = trained(model, window=[6, 6])
    whole = torch.load(checkpoint)
    torch.save(dict(whole, optimizer=dict(state=[torch.zeros(1000)])), checkpoint)
    path = publish_checkpoint(config, checkpoint, tmp_path / "shared" / "model.pth")
    assert path.name.startswith("model-")
    published = read_checkpoint(path)  # weights and plain data: nothing else is read
    assert set(published) == {"meta", "state_dict"}
    assert published["meta"]["dataset_meta"]["classes"] == CLASSES
    assert published["state_dict"]["data_preprocessor.mean"].tolist() == STATISTICS["mean"]
    expected = map_of(SceneInferencer(config, checkpoint), scene[0])
    np.testing.assert_array_equal(map_of(SceneInferencer(None, path), scene[0], "second.tif"), expected)
    with pytest.raises(FileFormatError, match="carries no model; give the config of its training, or publish it"):
        SceneInferencer(None, checkpoint)
    torch.save(dict(state_dict=whole["state_dict"]), checkpoint)
    with pytest.raises(ConfigError, match="says nothing of classes"):
        publish_checkpoint(config, checkpoint, tmp_path / "model.pth")
