"""What every registered backbone of mmhsi does."""

import io

import pytest
import torch

import mmhsi.models.backbones as backbones
from mmhsi.models.pruning import prunable_stages, strip
from mmhsi.registry import MODELS

pytestmark = pytest.mark.usefixtures("scope")
# Those of papers' tables take windows alone and have no layers to prune: test_comparison.py.
CLASSES = {
    name: cls
    for name, cls in MODELS.module_dict.items()
    if cls.__module__.startswith(backbones.__name__) and ".comparison." not in cls.__module__
}
NAMES = sorted(CLASSES)
SIZES = [(4, 16, 16), (32, 15, 17), (103, 9, 9), (204, 9, 9), (430, 8, 12)]


def build(name, bands, **kwargs):
    torch.manual_seed(0)
    if not hasattr(CLASSES[name], "patch_size"):  # else its patches are single pixels
        kwargs["patch_size"] = 3
    model = MODELS.build(dict(type=name, in_channels=bands, arch="tiny", **kwargs))
    model.init_weights()
    return model


def test_all_are_found():
    assert {"HSIViT", "SST", "SpatialSpectralViT"} <= set(NAMES)
    assert set(backbones.__all__) >= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_forward_and_backward_at_any_bands_and_size(name, shape):
    model = build(name, shape[0], out_indices=(0, -1))
    maps = model(torch.randn(2, *shape))
    assert isinstance(maps, tuple)
    grid = (-(-shape[1] // model.patch_size), -(-shape[2] // model.patch_size))
    assert [tuple(m.shape[2:]) for m in maps] == [grid, grid]
    assert all(m.shape[0] == 2 for m in maps)
    sum(m.square().mean() for m in maps).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert sum(p.grad is not None for p in model.parameters()) > 10


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip_through_a_file(name):
    first, second = build(name, 12).eval(), build(name, 12).eval()
    for parameter in first.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    x = torch.randn(1, 12, 9, 9)
    assert torch.equal(first(x)[0], second(x)[0])


@pytest.mark.parametrize("name", NAMES)
def test_samples_do_not_mix(name):
    model = build(name, 12).eval()
    x = torch.randn(3, 12, 9, 9)
    alone = torch.cat([model(x[i : i + 1])[0] for i in range(3)])
    assert torch.allclose(model(x)[0], alone, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_depend_on_the_bands_are_named(name):
    """What changes its shape with the number of bands is what carrying weights over to another sensor adapts."""
    few, many = build(name, 12).state_dict(), build(name, 20).state_dict()
    changed = {key for key in few if few[key].shape != many[key].shape}
    assert changed == set(build(name, 12).band_axes())


@pytest.mark.parametrize("name", NAMES)
def test_layers_can_be_pruned(name):
    model = build(name, 12).eval()
    x = torch.randn(1, 12, 9, 9)
    whole = model(x)[0]
    stages = prunable_stages(model)
    for stage in stages.values():
        stage.set_pruned(range(1, len(stage)))
    assert not torch.allclose(model(x)[0], whole)
    for stage in stages.values():
        stage.set_pruned(())
    assert torch.equal(model(x)[0], whole)
    for stage in stages.values():
        stage.set_pruned(range(1, len(stage)))
    pruned = model(x)[0]
    strip(model)
    assert torch.equal(model(x)[0], pruned)
    fresh = build(name, 12).eval()
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(x)[0], pruned)
