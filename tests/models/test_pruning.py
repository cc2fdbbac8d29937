"""Layer pruning: what goes, that it is as if zeroed, and that it comes back."""

import copy

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict

from mmhsi.errors import ConfigError
from mmhsi.models.backbones.sst import SST
from mmhsi.models.layers.prunable import PrunableLayers
from mmhsi.models.pruning import (
    layer_importance,
    prunable_stages,
    prune,
    restore,
    strip,
    strip_state_dict,
)
from mmhsi.models.weights import load_weights, read_checkpoint

ARCH = dict(embed_dims=24, spatial_layers=4, spectral_layers=4, num_heads=2, head_dims=8, feedforward_channels=32)


def sst(seed=0, scale=None, **options):
    """A small SST, random in all of its parameters; ``scale`` multiplies those of each of the 8 layers."""
    torch.manual_seed(seed)
    model = SST(in_channels=6, patch_size=2, bands_per_block=2, **{**dict(arch=ARCH), **options}).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        for layer, factor in zip([*model.spatial_layers, *model.spectral_layers], scale or [1] * 8, strict=False):
            for parameter in layer.parameters():
                parameter *= factor
    return model


def cube():
    return torch.randn(2, 6, 6, 4, generator=torch.Generator().manual_seed(1))


SCALE = [3, 1, 4, 9, 2, 6, 8, 7]
"""Layers from least to most important: 1, 4, 0, 2, 5, 7, 6, 3."""


def test_importance_is_the_mean_magnitude_of_all_parameters():
    layer = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.LayerNorm(1))
    for parameter, values in zip(layer.parameters(), ([[1.0, -4.0]], [0.5], [-2.5], [0.0]), strict=True):
        parameter.data = torch.tensor(values)
    assert layer_importance(layer) == pytest.approx((1 + 4 + 0.5 + 2.5 + 0) / 5)


@pytest.mark.parametrize(
    ("num_layers", "spatial", "spectral"),
    [
        (0, [], []),
        (2, [1], [0]),
        (4, [0, 1, 2], [0]),
        (5, [0, 1, 2], [0, 1]),
        (6, [0, 1, 2], [0, 1, 3]),
    ],
)
def test_the_least_important_of_all_stages_go(num_layers, spatial, spectral):
    model = sst(scale=SCALE)
    assert prune(model, num_layers) == dict(spatial=spatial, spectral=spectral)
    assert model.spatial_layers.pruned.tolist() == [index in spatial for index in range(4)]
    assert model.spectral_layers.pruned_indices == spectral


def test_each_stage_keeps_a_layer():
    model = sst(scale=[1, 2, 3, 4, 50, 60, 70, 80])
    assert prune(model, 5) == dict(spatial=[0, 1, 2], spectral=[0, 1])
    with pytest.raises(ConfigError, match=r"num_layers=7 cannot be pruned: of 8 layers \(4 spatial, 4 spectral\)"):
        prune(model, 7)
    uneven = sst(arch=dict(ARCH, spatial_layers=7, spectral_layers=1))
    assert len(prune(uneven, 6)["spatial"]) == 6


def test_ties_go_in_order():
    model = sst()
    layers = [*model.spatial_layers, *model.spectral_layers]
    for layer in layers[1:]:
        layer.load_state_dict(layers[0].state_dict())
    assert prune(model, 5) == dict(spatial=[0, 1, 2], spectral=[0, 1])


@pytest.mark.parametrize("num_layers", [1, 4, 6])
def test_pruned_layers_are_as_if_zeroed(num_layers):
    model = sst(scale=SCALE, out_indices=range(8))
    zeroed = copy.deepcopy(model)
    chosen = prune(model, num_layers)
    for name, stage in prunable_stages(zeroed).items():
        for index in chosen[name]:
            for parameter in stage[index].parameters():
                parameter.data.zero_()
    for ours, reference in zip(model(cube()), zeroed(cube()), strict=True):
        assert torch.equal(ours, reference)


def test_restore_is_exact():
    model = sst(scale=SCALE)
    whole, weights = model(cube())[0], copy.deepcopy(model.state_dict())
    prune(model, 4)
    assert not torch.allclose(model(cube())[0], whole)
    restore(model)
    assert torch.equal(model(cube())[0], whole)
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())


def test_a_later_pruning_replaces_the_earlier():
    model = sst(scale=SCALE)
    prune(model, 2)
    for parameter in model.spectral_layers[3].parameters():
        parameter.data *= 0.01
    assert prune(model, 2) == dict(spatial=[1], spectral=[3])


@pytest.mark.parametrize(
    "optimizer",
    [
        lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.5),
        lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.5),
    ],
)
def test_pruned_weights_are_not_touched_by_the_optimizer(optimizer):
    model = sst(scale=SCALE).train()
    optimizer = optimizer(model.parameters())

    def step():
        optimizer.zero_grad()
        model(cube())[0].square().mean().backward()
        optimizer.step()

    step()  # momenta exist
    model(cube())[0].sum().backward()  # gradients are pending when layers are pruned
    prune(model, 2)
    before = copy.deepcopy(model.state_dict())
    optimizer.step()
    step()
    for key, value in model.state_dict().items():
        if "_layers" in key and not key.endswith("pruned"):
            name, index = key.split("_layers.")[0], int(key.split(".")[1])
            frozen = prunable_stages(model)[name].is_pruned(index)
            assert torch.equal(value, before[key]) == frozen, key


@pytest.mark.parametrize("load", [torch.nn.Module.load_state_dict, load_state_dict])
def test_a_state_dict_carries_the_pruning(load):
    model, other = sst(scale=SCALE), sst(seed=1)
    prune(model, 3)
    load(other, model.state_dict())
    assert other.spatial_layers.pruned_indices == model.spatial_layers.pruned_indices == [0, 1]
    assert torch.equal(model(cube())[0], other(cube())[0])
    restore(model)
    load(other, model.state_dict())
    assert other.spatial_layers.pruned_indices == []


def test_a_state_dict_without_flags_means_that_all_layers_run():
    model = sst()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("pruned")}
    prune(model, 3)
    model.load_state_dict(state)
    assert not model.spatial_layers.pruned.any()
    prune(model, 3)
    model.load_state_dict({"norm.weight": state["norm.weight"]}, strict=False)
    assert sum(len(stage.pruned_indices) for stage in prunable_stages(model).values()) == 3


def test_a_checkpoint_of_a_pruned_backbone_initialises_another(tmp_path):
    model, other = sst(scale=SCALE), sst(seed=1)
    prune(model, 3)
    torch.save(dict(state_dict={f"backbone.{key}": value for key, value in model.state_dict().items()}), tmp_path / "a")
    load_weights(other, tmp_path / "a", prefix="backbone.")
    assert torch.equal(model(cube())[0], other(cube())[0])


def test_copies_are_independent():
    model = sst()
    twin = copy.deepcopy(model)
    prune(model, 2)
    assert not twin.spatial_layers.pruned.any()
    assert twin.spatial_layers.pruned_indices == []


def test_a_stripped_model_gives_the_same_maps_with_fewer_parameters():
    model = sst(scale=SCALE, out_indices=(1, 3, 5, -1))
    prune(model, 4)  # spatial 0, 1, 2 and spectral 0
    expected = model(cube())
    before = sum(parameter.numel() for parameter in model.parameters())
    one = sum(parameter.numel() for parameter in model.spatial_layers[0].parameters())
    strip(model)
    assert sum(parameter.numel() for parameter in model.parameters()) == before - 4 * one
    assert all(torch.equal(ours, reference) for ours, reference in zip(model(cube()), expected, strict=True))
    with pytest.raises(ConfigError, match="layer 0 was stripped and cannot run again"):
        restore(model)


def test_a_stripped_state_dict_loads_into_the_model_of_the_config():
    model = sst(scale=SCALE)
    prune(model, 4)
    head = torch.ones(3)
    state = strip_state_dict(
        {"head.weight": head, **{f"backbone.{key}": value for key, value in model.state_dict().items()}}
    )
    assert state["head.weight"] is head
    assert not any(key.startswith("backbone.spatial_layers.2.") for key in state)
    fresh = sst(seed=1)
    fresh.load_state_dict({key.removeprefix("backbone."): value for key, value in state.items() if key[0] == "b"})
    assert torch.equal(fresh(cube())[0], model(cube())[0])
    assert len(fresh.state_dict()) == len(state) - 1


def test_other_models_are_refused():
    with pytest.raises(ConfigError, match="Linear has no backbone with layers to prune"):
        prune(torch.nn.Linear(2, 2), 1)
    with pytest.raises(ConfigError, match="2 modules with layers to prune; choose one: student, teacher"):
        prune(torch.nn.ModuleDict(dict(student=sst(), teacher=sst())), 1)


class Ladder(torch.nn.Module):
    """Another backbone with one list of layers."""

    def __init__(self):
        super().__init__()
        self.layers = PrunableLayers(torch.nn.Linear(2, 2) for _ in range(3))

    def prunable_stages(self):
        return {"layers": self.layers}


def test_any_backbone_with_lists_of_layers_can_be_pruned():
    model = torch.nn.Sequential(Ladder(), torch.nn.ReLU())
    assert len(prune(model, 2)["layers"]) == 2
    with pytest.raises(ConfigError, match=r"of 3 layers \(3 layers\) each stage keeps one, expected 0 to 2"):
        prune(model, 3)


def test_the_tool_strips_a_checkpoint(run_tool, tmp_path, capsys):
    model = sst(scale=SCALE)
    prune(model, 4)
    state = {f"backbone.{key}": value for key, value in model.state_dict().items()}
    torch.save(dict(meta=dict(epoch=9), state_dict=state, optimizer={}), tmp_path / "in.pth")
    assert run_tool("converters/strip_pruned", tmp_path / "in.pth", "--out", tmp_path / "new" / "out.pth") == 0
    printed = capsys.readouterr().out
    assert "dropped: backbone.spatial_layers.0, backbone.spatial_layers.1, backbone.spatial_layers.2" in printed
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["out.pth"]
    assert read_checkpoint(tmp_path / "new" / "out.pth")["meta"] == dict(epoch=9)
    assert (tmp_path / "new" / "out.pth").stat().st_size < 0.7 * (tmp_path / "in.pth").stat().st_size
    fresh = sst(seed=1)
    load_weights(fresh, tmp_path / "new" / "out.pth", prefix="backbone.")
    assert torch.equal(fresh(cube())[0], model(cube())[0])


def test_the_tool_refuses_what_is_not_pruned(run_tool, tmp_path, capsys):
    torch.save(dict(state_dict=sst().state_dict()), tmp_path / "in.pth")
    assert run_tool("converters/strip_pruned", tmp_path / "in.pth", "--out", tmp_path / "out.pth") == 2
    assert "no layer is pruned" in capsys.readouterr().err
    assert run_tool("converters/strip_pruned", tmp_path / "none.pth", "--out", tmp_path / "out.pth") == 2
    assert not (tmp_path / "out.pth").exists()
