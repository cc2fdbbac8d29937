"""What every registered backbone of mmhsi does."""

import io

import pytest
import torch

import mmhsi.models.backbones as backbones
from mmhsi.errors import ConfigError
from mmhsi.models.pruning import prunable_stages, strip
from mmhsi.registry import MODELS

CLASSES = {name: cls for name, cls in MODELS.module_dict.items() if cls.__module__.startswith(backbones.__name__)}
# Those of papers' tables have one size, give one map and have no layers to prune.
COMPARISON = sorted(name for name, cls in CLASSES.items() if ".comparison." in cls.__module__)
# Of others, which have the sizes and layers: test_hypersigma.py, test_multi_scale_windows.py, test_two_sources.py.
COMPOSED = {"HyperSIGMAFusion", "MultiScaleWindows", "TwoSources"}
TRANSFORMERS = sorted(CLASSES.keys() - COMPARISON - COMPOSED)
ONE_PIXEL = ("SpectralRNN", "SpectralCNN1D")
SUMMED_UP = (*ONE_PIXEL, "ExViT", "MAESTViT")
OF_ONE_BAND_COUNT = ("HiT", "MAESTViT")  # their weights cannot be carried over to another
VARIANTS = {
    **{name: {} for name in (*TRANSFORMERS, *COMPARISON)},
    "FreeNet": dict(embed_dims=8, block_channels=(32, 48)),
    "HiT": dict(embed_dims=32, depths=(1, 1, 1, 1)),
    "SSTN, linear": dict(stem="linear"),
    "SpatialSpectralViT, pooled": dict(fusion="pooled"),
    "SpatialSpectralViT, paper": dict(mode="paper", img_size=9, local_img_size=6),
    "SpatialSpectralViT, SwiGLU": dict(ffn_type="swiglu_fused"),
    "HSIViT, DINOv2": dict(pos_embed="learned", num_registers=2, ffn_type="swiglu_fused", layer_scale_init_value=0.5),
    "SST, concat": dict(spectral_pool="concat"),
}
PRUNABLE = [name for name in VARIANTS if name.split(",")[0] not in COMPARISON]
SIZES = [(4, 1, 1), (32, 15, 17), (103, 9, 9), (430, 8, 12)]


def build(variant, bands, **kwargs):
    torch.manual_seed(0)
    name = variant.split(",")[0]
    if name not in COMPARISON:
        kwargs["arch"] = "tiny"
        if not hasattr(CLASSES[name], "patch_size"):  # else its patches are single pixels
            kwargs["patch_size"] = 3
    return MODELS.build(dict(type=name, in_channels=bands, **VARIANTS[variant], **kwargs))


def changed(model):
    """The model with other weights, under which nothing is zero."""
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def test_all_are_found():
    assert set(TRANSFORMERS) >= {"HSIViT", "IMAEViT", "SSMAEFusion", "SSMAEViT", "SST", "SpatialSpectralViT"}
    assert set(COMPARISON) >= {"CNN2D", "CNN3D", "ExViT", "FreeNet", "HiT", "MAESTViT", "SSTN", *ONE_PIXEL}
    assert set(backbones.__all__) >= set(CLASSES)


@pytest.mark.parametrize("name", TRANSFORMERS)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_forward_and_backward_at_any_bands_and_size(name, shape):
    model = build(name, shape[0], out_indices=(0, -1))
    maps = model(torch.randn(2, *shape))
    assert isinstance(maps, tuple)
    grid = (-(-shape[1] // model.patch_size), -(-shape[2] // model.patch_size))
    channels = getattr(model, "out_channels", model.embed_dims * (2 if name == "SSMAEViT" else 1))
    assert [tuple(m.shape) for m in maps] == [(2, channels, *grid)] * 2
    sum(m.square().mean() for m in maps).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
    assert sum(p.grad is not None for p in model.parameters()) > 10


@pytest.mark.parametrize("name", COMPARISON)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_comparison_networks_take_any_bands_and_window(name, shape):
    model = build(name, shape[0])
    maps = model(torch.randn(2, *shape))
    assert isinstance(maps, tuple)
    size = (1, 1) if name in SUMMED_UP else shape[1:]
    if name in ("CNN2D", "CNN3D"):  # two convolutions without padding
        size = tuple(max(side - 4, 1) for side in size)
    if name == "HiT":
        size = tuple(max((side + 1) // 2 // 2, 1) for side in size)
    assert [tuple(m.shape) for m in maps] == [(2, model.embed_dims, *size)]
    maps[0].square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("name", VARIANTS)
def test_state_dict_round_trip_through_a_file(name):
    first, second = changed(build(name, 12)).eval(), build(name, 12).eval()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    x = torch.randn(3, 12, 9, 9)
    assert not torch.equal(first(x)[0], second(x)[0])
    second.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(first(x)[0], second(x)[0])


@pytest.mark.parametrize("name", VARIANTS)
def test_features_without_gradients_are_those_with(name):
    """Layers of torch have ways of their own for evaluation."""
    model, x = changed(build(name, 12)).eval(), torch.randn(3, 12, 9, 9)
    with torch.inference_mode():
        features = model(x)[0]
    assert torch.allclose(features, model(x)[0], atol=1e-4)


@pytest.mark.parametrize("name", VARIANTS)
def test_samples_do_not_mix(name):
    model = changed(build(name, 12)).eval()
    x = torch.randn(3, 12, 9, 9)
    other = x.clone()
    other[[0, 2]] *= -3
    together, alone = model(x)[0], torch.cat([model(x[i : i + 1])[0] for i in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)
    assert torch.allclose(together[1], model(other)[0][1], atol=1e-5)


@pytest.mark.parametrize("name", VARIANTS)
def test_weights_that_depend_on_the_bands_are_named(name):
    """What changes its shape with the number of bands is what carrying weights over to another sensor adapts."""
    few, many = build(name, 24).state_dict(), build(name, 60).state_dict()
    differing = {
        key: [axis for axis, size in enumerate(few[key].shape) if size != many[key].shape[axis]]
        for key in few
        if few[key].shape != many[key].shape
        # Paper mode's spectral positions and exchanges are of one number of tokens.
        and not ("paper" in name and key.startswith(("fusions.", "spectral_pos_embed")))
    }
    if name in OF_ONE_BAND_COUNT:
        assert differing
        assert build(name, 24).band_axes() == {}
        return
    assert differing == {key: [axis] for key, axis in build(name, 24).band_axes().items()}


@pytest.mark.parametrize("name", [*TRANSFORMERS, *COMPARISON])
def test_another_number_of_bands_is_refused(name):
    with pytest.raises(ConfigError, match=f"^{name}: input has 11 bands, the model expects in_channels=12"):
        build(name, 12)(torch.randn(1, 11, 9, 9))


@pytest.mark.parametrize("name", PRUNABLE)
def test_layers_can_be_pruned(name):
    model = changed(build(name, 12)).eval()
    x = torch.randn(1, 12, 9, 9)
    whole = model(x)[0]
    stages = prunable_stages(model)
    for stage in stages.values():
        stage.set_pruned(range(1, len(stage)))
    pruned = model(x)[0]
    assert not torch.allclose(pruned, whole)
    for stage in stages.values():
        stage.set_pruned(())
    assert torch.equal(model(x)[0], whole)
    zeroed = build(name, 12).eval()
    zeroed.load_state_dict(model.state_dict())
    for stage in prunable_stages(zeroed).values():
        for parameter in stage[1:].parameters():
            parameter.data.zero_()
    assert torch.allclose(zeroed(x)[0], pruned, atol=1e-5)
    for stage in stages.values():
        stage.set_pruned(range(1, len(stage)))
    strip(model)
    assert torch.equal(model(x)[0], pruned)
    fresh = build(name, 12).eval()
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(x)[0], pruned)


@pytest.mark.parametrize("name", PRUNABLE)
def test_every_parameter_has_the_depth_of_its_layer(name):
    model = build(name, 12)
    stages = model.prunable_stages()
    depth = sum(map(len, stages.values())) if name.startswith("SST") else len(next(iter(stages.values())))
    for key, _ in model.named_parameters():
        first, _, rest = key.partition(".")
        wanted = depth + 1 if "norm" in first or first == "cnn" else 0
        if first.endswith("layers") or first == "fusions":
            wanted = int(rest.split(".")[0]) + 1
            if name.startswith("SST") and first == "spectral_layers":
                wanted += len(model.spatial_layers)
        assert model.get_layer_depth(f"backbone.{key}", "backbone.") == (wanted, depth + 2), key
    assert model.get_layer_depth("head.fc.weight", "backbone.") == (depth + 1, depth + 2)
