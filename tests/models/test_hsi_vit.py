"""HSIViT."""

import pytest
import torch

from mmhsi.errors import ConfigError
from mmhsi.models import HSIViT
from mmhsi.models.complexity import count_stored


def vit(**options):
    torch.manual_seed(0)
    return HSIViT(in_channels=6, arch="tiny", img_size=16, patch_size=4, **options)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (dict(), 86_680_320),
        (
            dict(
                num_registers=4,
                ffn_type="swiglu_fused",
                layer_scale_init_value=1e-5,
                with_mask_token=True,
                pos_embed="learned",
            ),
            86_714_880,
        ),
    ],
    ids=["encoder", "DINOv2 student"],
)
def test_base_has_the_dissertations_parameters(options, count):
    with torch.device("meta"):
        model = HSIViT(in_channels=32, arch="base", img_size=64, patch_size=8, **options)
    assert count_stored(model) == count


def test_visible_tokens_alone_reach_the_layers():
    model = vit().eval()
    seen = []
    model.layers[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape))
    x = torch.randn(1, 6, 16, 16)
    visible = torch.tensor([[1, 6, 11]])
    tokens = model.forward_visible(x, visible)
    latent = tokens.sequence()
    assert seen == [(1, 1 + 3, 128)]
    assert tokens.grid == (4, 4)
    changed = x.clone()
    changed[:, :, :4, :4] += 5  # patch 0 is hidden
    assert torch.equal(latent, model.forward_visible(changed, visible).sequence())
    changed[:, :, :4, 4:8] += 5  # patch 1 is visible
    assert not torch.allclose(latent, model.forward_visible(changed, visible).sequence())


def test_all_tokens_visible_equals_the_plain_forward():
    model = vit().eval()
    x = torch.randn(2, 6, 16, 16)
    tokens = model.forward_visible(x, torch.arange(16).expand(2, -1))
    assert torch.allclose(model(x)[0].flatten(2).transpose(1, 2), tokens.patches, atol=1e-5)


def test_registers_follow_cls_and_carry_no_position():
    model = vit(num_registers=3, pos_embed="learned").eval()
    seen = []
    model.layers[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    x = torch.randn(2, 6, 16, 16)
    maps = model(x)
    assert torch.equal(seen[0][:, 1:4], model.registers.expand(2, -1, -1))
    assert torch.equal(seen[0][:, 0], (model.cls_token + model.pos_embed[:, :1])[:, 0].expand(2, -1))
    assert maps[0].shape == (2, 128, 4, 4)
    cls, patches, grid, *_ = model.forward_tokens(x)
    assert torch.equal(patches.transpose(1, 2).reshape(2, 128, 4, 4), maps[0])
    assert (cls.shape, grid) == ((2, 128), (4, 4))
    visible = model.forward_visible(x, torch.tensor([[0, 5], [1, 2]]))
    assert visible.sequence().shape == (2, 3, 128)


def test_masked_patches_become_the_mask_token():
    model = vit(with_mask_token=True).eval()
    x = torch.randn(1, 6, 16, 16)
    mask = torch.zeros(1, 16, dtype=torch.bool)
    mask[0, [0, 7]] = True
    changed = x.clone()
    changed[:, :, :4, :4] += 3
    assert torch.equal(model.forward_tokens(x, mask).patches, model.forward_tokens(changed, mask).patches)
    tokens = model.embed(x, mask).patches
    assert torch.equal(tokens[0, 7], (model.mask_token + model.pos_embed[:, 8:9])[0, 0])
    plain = model.embed(x).patches
    assert torch.equal(tokens[0, 1], plain[0, 1])
    with pytest.raises(ConfigError, match="with_mask_token=True"):
        vit().embed(x, mask)


@pytest.mark.parametrize("ffn", ["origin", "swiglu_fused"])
def test_drop_path_and_layer_scale_in_both_kinds_of_layer(ffn):
    torch.manual_seed(0)
    keys = dict(in_channels=4, arch="tiny", img_size=8, patch_size=4, ffn_type=ffn)
    model = HSIViT(**keys, drop_path_rate=0.999999)
    last = model.layers[-1].train()
    x = torch.randn(2, 5, 128)
    assert torch.equal(last(x), x)  # both branches dropped
    scaled = HSIViT(**keys, layer_scale_init_value=1e-9).layers[0].eval()
    assert torch.allclose(scaled(x), x, atol=1e-6)
    assert not torch.allclose(last.eval()(x), x, atol=1e-3)


def test_frozen_stages_keep_still_and_in_eval_mode():
    model = HSIViT(in_channels=4, arch="tiny", img_size=8, patch_size=4, frozen_stages=2, drop_rate=0.5)
    model.train()
    assert [layer.training for layer in model.layers] == [False, False, True, True]
    model(torch.randn(2, 4, 8, 8))[0].sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == name.startswith(("layers.2", "layers.3", "norm")), name
    with pytest.raises(ConfigError, match="frozen_stages=5 given"):
        HSIViT(in_channels=4, arch="tiny", frozen_stages=5)


def test_a_table_of_another_grid_is_never_taken_for_granted():
    narrow = HSIViT(in_channels=4, arch="tiny", img_size=(8, 32), patch_size=2)
    square = HSIViT(in_channels=4, arch="tiny", img_size=16, patch_size=2)
    assert narrow.pos_embed.shape == square.pos_embed.shape
    with pytest.raises(ConfigError, match=r"positions are of a grid \(4, 16\), the model's of \(8, 8\)"):
        square.load_state_dict(narrow.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(arch="huge"), "arch='huge' is unknown"),
        (dict(arch=dict(embed_dims=64)), "arch lacks feedforward_channels, num_heads, num_layers"),
        (
            dict(arch=dict(embed_dims=66, num_heads=4, num_layers=1, feedforward_channels=8)),
            "embed_dims=66 must divide by num_heads=4",
        ),
        (dict(out_indices=(4,)), r"out_indices=\(4,\) must lie in -4 to 3"),
        (dict(pos_embed="fourier"), "pos_embed='fourier' is unknown"),
    ],
)
def test_constructor_says_what_is_wrong(change, message):
    with pytest.raises(ConfigError, match=message):
        HSIViT(**{**dict(in_channels=4, arch="tiny"), **change})


@pytest.mark.parametrize(("uniform", "expected"), [(False, [0.0, 0.1, 0.2, 0.3]), (True, [0.3] * 4)])
@pytest.mark.parametrize("ffn", ["origin", "swiglu_fused"])
def test_stochastic_depth_grows_or_is_uniform(uniform, expected, ffn):
    model = vit(drop_path_rate=0.3, drop_path_uniform=uniform, ffn_type=ffn)
    assert [layer.ffn.dropout_layer.drop_prob for layer in model.layers] == pytest.approx(expected)


def test_maps_of_all_layers_may_be_normalised():
    plain, normed = (vit(out_indices=(0, 1, 3), norm_maps=norm).eval() for norm in (False, True))
    torch.nn.init.normal_(plain.norm.weight)
    normed.load_state_dict(plain.state_dict())
    x = torch.randn(2, 6, 16, 16)
    raw, found = plain(x), normed(x)
    for index in (0, 1):
        assert torch.allclose(found[index], plain.norm(raw[index].movedim(1, -1)).movedim(-1, 1), atol=1e-5)
    assert torch.equal(found[2], raw[2])
