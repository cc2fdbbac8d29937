"""Parameters, FLOPs and memory against figures by hand."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from torch import nn

from mmhsi.io import HSICube, write_cube
from mmhsi.models import HSIViT
from mmhsi.models.complexity import count_stored, measure_complexity
from mmhsi.models.presets import DINOV2_STUDENT, PRESETS
from mmhsi.registry import MODELS


def measure(module, x):
    return measure_complexity(module, lambda: module(x))


def vit_flops(tokens, dims=768, layers=12, patches=64, values=2048):
    """Two for every multiply-add of a ViT's linear maps, attention and patch embedding."""
    linear = tokens * (dims * 3 * dims + dims * dims + 8 * dims * dims)
    attention = 2 * tokens * tokens * dims
    return 2 * (layers * (linear + attention) + patches * values * dims)


@pytest.mark.parametrize(
    ("extra", "tokens", "published"), [(dict(), 65, 11.399), (dict(pos_embed="learned", **DINOV2_STUDENT), 69, 12.098)]
)
def test_base_encoder_has_the_dissertations_flops(extra, tokens, published):
    with torch.device("meta"):
        cost = measure(HSIViT(in_channels=32, arch="base", **extra).eval(), torch.zeros(1, 32, 64, 64))
    assert cost.flops == vit_flops(tokens)
    assert cost.flops / 1e9 == pytest.approx(published, abs=5e-4)


def test_activations_are_what_autograd_keeps():
    layer = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.Linear(20, 5))
    x = torch.zeros(7, 10)
    # The input of each linear map, float32; the ReLU's output is the second one's input.
    assert measure(layer, x).activations == 4 * (7 * 10 + 7 * 20)


def test_parameters_of_pruned_layers_are_counted_apart():
    model = HSIViT(in_channels=4, arch="tiny")
    one = sum(p.numel() for p in model.layers[0].parameters())
    model.layers.set_pruned([1, 3])
    cost = measure(model, torch.zeros(1, 4, 64, 64))
    assert (cost.parameters, cost.pruned) == (sum(p.numel() for p in model.parameters()) + 65 * 128, 2 * one)


def test_tool(run_tool, repository, monkeypatch, capsys):
    monkeypatch.chdir(repository)
    assert run_tool("analysis/get_flops", "configs/mae/mae-ft_hsi-vit-tiny-p3_demo_20-per-class.py") == 0
    printed = capsys.readouterr().out
    assert "input 56 x 9 x 9" in printed
    parameters = count_stored(HSIViT(in_channels=56, arch="tiny", img_size=9, patch_size=3))
    assert f"backbone: {parameters:,} parameters, 0 of them pruned" in printed


def test_tool_of_encoders_of_any_bands(run_tool, repository, tmp_path, monkeypatch, capsys):
    """Of a mixed corpus with its widest sensor; of a number of bands with centres that are evenly spread."""
    monkeypatch.chdir(tmp_path)
    for bands in (5, 9):
        values = np.random.default_rng(0).random((24, 24, bands), np.float32)
        write_cube(f"{bands}.tif", HSICube(values, wavelengths=np.linspace(450, 900, bands)))
    Path("mixed.py").write_text(
        f"_base_ = {str(repository / 'configs/mixed/mae-wavelength_hsi-vit-tiny-p3_mixed.py')!r}\n"
        "corpus = dict(type='CorpusDataset', data_root='.', samples_per_scene=48, pipeline=_base_.pipeline)\n"
        "sensors = {f's{bands}': dict(dataset=dict(image_dir=f'{bands}.tif', **corpus)) for bands in (9, 5)}\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='MixedDataset', sensors=sensors))\n"
    )
    assert run_tool("analysis/get_flops", "mixed.py", "--shape", "24") == 0
    assert "input 9 x 24 x 24" in capsys.readouterr().out
    config = str(repository / "configs/mae/mae-ft_hsi-vit-tiny-p3.py")
    options = ("--bands", "450", "--classes", "3", "--cfg-options", "model.backbone.embedding=wavelength")
    assert run_tool("analysis/get_flops", config, *options) == 0
    assert "input 450 x 9 x 9" in capsys.readouterr().out


def test_the_docs_table_has_the_parameters_of_the_presets(repository):
    printed = (repository / "docs/models.md").read_text().split("<!-- table: begin -->")[1]
    rows = {row.split("|")[1].strip(): row for row in printed.splitlines() if row.startswith("| ") and "x" in row}
    for name, (config, _) in PRESETS.items():
        with DefaultScope.overwrite_default_scope("mmhsi"), torch.device("meta"):
            model = MODELS.build(dict(config))
        assert f"| {count_stored(model):,} |" in rows[name]
