"""Layers, learning rates by layer and classifiers beside mmpretrain's, whose names and draws they keep."""

import pytest
import torch

from mmhsi.engine import LayerDecayOptimWrapperConstructor
from mmhsi.models.layers import ViTLayer
from mmhsi.registry import MODELS, import_mmpretrain


@pytest.mark.parametrize("ffn_type", ["origin", "swiglu_fused"])
@pytest.mark.parametrize("scale", [0.0, 0.1])
def test_a_layer_is_mmpretrains(ffn_type, scale):
    import_mmpretrain()
    from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer

    sizes = dict(embed_dims=16, num_heads=2, feedforward_channels=28, ffn_type=ffn_type, layer_scale_init_value=scale)
    torch.manual_seed(0)
    theirs = TransformerEncoderLayer(**sizes, norm_cfg=dict(type="LN", eps=1e-6))
    torch.manual_seed(0)
    ours = ViTLayer(**sizes)
    expected, state = theirs.state_dict(), ours.state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[name], expected[name]) for name in state)
    x = torch.randn(3, 5, 16)
    assert torch.equal(ours(x), theirs(x))


def test_learning_rates_by_layer_are_mmpretrains():
    import_mmpretrain()
    from mmpretrain.engine.optimizers import LearningRateDecayOptimWrapperConstructor

    arch = dict(embed_dims=16, num_layers=3, num_heads=2, feedforward_channels=24)
    backbone = dict(type="HSIViT", in_channels=4, arch=arch, img_size=9, patch_size=3)
    head = dict(type="mmpretrain.LinearClsHead", num_classes=3)
    neck = dict(type="mmpretrain.GlobalAveragePooling")
    model = MODELS.build(dict(type="PixelClassifier", backbone=backbone, neck=neck, head=head))
    wrapper = dict(optimizer=dict(type="AdamW", lr=0.1, weight_decay=0.05))
    paramwise = dict(
        layer_decay_rate=0.5, norm_decay_mult=0.1, bias_decay_mult=0.2, flat_decay_mult=0.3,
        custom_keys={"cls_token": dict(decay_mult=0.0)},
    )  # fmt: skip

    def settings(kind):
        groups = kind(wrapper, paramwise)(model).optimizer.param_groups
        found = [(id(p), group["lr"], group["weight_decay"]) for group in groups for p in group["params"]]
        return len(groups), sorted(found)

    (few, ours), (many, theirs) = map(
        settings, (LayerDecayOptimWrapperConstructor, LearningRateDecayOptimWrapperConstructor)
    )
    assert ours == theirs
    assert few < many
