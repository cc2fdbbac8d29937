"""DINOv2 on both ViT backbones."""

import pytest
import torch
from small_dino import BACKBONES, crops, dinov2, untrained
from torch.utils._python_dispatch import TorchDispatchMode

from mmhsi.errors import ConfigError
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import MODELS


@pytest.mark.parametrize(
    ("backbone", "parameters"),
    [
        (dict(type="HSIViT", pos_embed="learned", num_registers=4, ffn_type="swiglu_fused", with_mask_token=True,
              layer_scale_init_value=1e-5), 109_853_440),
        (dict(type="SpatialSpectralViT", mode="paper"), 202_915_984),
    ],
)  # fmt: skip
def test_the_dissertations_parameters(backbone, parameters):
    with torch.device("meta"):
        model = MODELS.build(
            dict(
                type=DINOv2,
                backbone=dict(backbone, in_channels=32, arch="base", img_size=64, patch_size=8),
                head=dict(type="DINOHead", num_prototypes=65_536),
            )
        )
    assert sum(parameter.numel() for parameter in model.student.parameters()) == parameters
    assert sum(parameter.numel() for parameter in model.parameters()) == 2 * parameters


# The teacher.


def test_the_teacher_starts_as_the_student_and_follows_it_exactly():
    model = dinov2()
    first = {key: value.clone() for key, value in model.teacher.state_dict().items()}
    for key, parameter in model.student.named_parameters():
        assert not torch.equal(parameter, first[key]), key
    model.update_teacher(0.9)
    for key, value in model.teacher.named_parameters():
        wanted = 0.9 * first[key].double() + 0.1 * model.student.get_parameter(key).double()
        assert torch.allclose(value.double(), wanted, atol=1e-7), key
    model.update_teacher(0.0)
    assert all(torch.equal(value, model.student.get_parameter(key)) for key, value in model.teacher.named_parameters())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_initial_weights_are_shared(backbone):
    model = untrained(backbone)
    teacher = model.teacher.state_dict()
    assert all(torch.equal(value, teacher[key]) for key, value in model.student.state_dict().items())
    scale, direction = model.student.heads["shared"].last_layer.parametrizations.weight.parameters()
    assert torch.equal(scale, torch.ones(10, 1))
    assert direction.std() > 0.01


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_student_alone_learns_with_every_parameter(backbone):
    model = dinov2(backbone, backbone_options=dict(drop_path_rate=0.2)).train()
    losses = model(crops(), mode="loss")
    sum(value for name, value in losses.items() if "loss" in name).backward()
    for name, parameter in model.student.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.teacher.parameters())


def test_the_teacher_drops_nothing_in_training():
    model = dinov2(backbone_options=dict(drop_path_rate=0.9, drop_rate=0.5)).train()
    x = torch.randn(4, 6, 16, 16)
    first, second = (model.teacher.encode(x)[0].cls for _ in range(2))
    assert torch.equal(first, second)
    first, second = (model.student.encode(x)[0].cls for _ in range(2))
    assert not torch.equal(first, second)


def test_tensor_mode_gives_the_teachers_maps():
    model, x = dinov2().eval(), torch.randn(2, 6, 16, 16)
    assert torch.equal(model(x)[0], model.teacher.backbone(x)[0])


# Precision and speed.


class Waits(TorchDispatchMode):
    """Counts operations for which the host would have to wait for a device."""

    names = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique")

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in self.names:
            self.seen.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("backbone", "streams"), [("spatial", 1), ("two streams", 2)])
def test_a_step_waits_for_no_device(backbone, streams):
    model, views = dinov2(backbone).train(), crops()
    valid = [torch.ones(3, *view.shape[2:], dtype=torch.bool) for view in views]
    with Waits() as waits:
        losses = model(views, valid=valid, mode="loss")
        sum(value for name, value in losses.items() if "loss" in name).backward()
        model.update_teacher(0.99)
    # The one number a stream that is read is the sum of counts which were drawn on the host.
    assert waits.seen == ["_local_scalar_dense"] * streams


# Going on at another size.


def test_high_resolution_goes_on_from_a_checkpoint(tmp_path):
    small = dinov2(size=16)
    small.data_preprocessor.fit(torch.arange(6.0), torch.ones(6))
    torch.save(dict(state_dict=small.state_dict()), tmp_path / "small.pth")
    large = untrained(size=(32, 40), init_cfg=dict(type="Pretrained", checkpoint=str(tmp_path / "small.pth")))
    large.init_weights()
    assert large.teacher.backbone.pos_embed.shape == (1, 1 + 8 * 10, 16)
    x = torch.randn(2, 6, 32, 40)
    for branch in ("student", "teacher"):
        old, new = getattr(small, branch), getattr(large, branch)
        old_streams, new_streams = old.eval().encode(x)[0], new.eval().encode(x)[0]
        assert torch.allclose(old_streams.cls, new_streams.cls, atol=1e-5), branch
        assert torch.allclose(old_streams.tokens, new_streams.tokens, atol=1e-5), branch
    assert torch.equal(large.data_preprocessor.mean, torch.arange(6.0))
    assert not torch.equal(large.student.backbone.cls_token, large.teacher.backbone.cls_token)
    losses = large(crops(images=2, size=32), mode="loss")
    assert all(value.isfinite() for value in losses.values())


# Arguments.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(centring="sinkhorn"), "centring='sinkhorn' is unknown, expected 'sinkhorn_knopp' or 'softmax'"),
        (dict(student_temperature=0), "student_temperature=0, teacher_temperature=0.07 given"),
        (dict(teacher_temperature=2), "teacher_temperature=2 given"),
        (dict(loss_weights=dict(spectral_dino=1)), r"loss_weights=.*spectral_dino.* for dino, ibot, koleo"),
        (dict(loss_weights=dict(dino=-1)), r"expected weights of at least 0"),
        (dict(loss_weights=dict(dino=0, ibot=0)), "leave nothing to learn"),
        (dict(masking=dict(type="RandomMasking", ratio=0.5)), "masking.type='RandomMasking' given"),
        (dict(backbone_options=dict(with_mask_token=False)), "set with_mask_token=True in the backbone"),
    ],
)
def test_arguments_are_checked(change, message):
    with pytest.raises(ConfigError, match=message):
        dinov2(**change)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        ("CNN2D", "CNN2D is no MaskTokenBackbone, it lacks .*encode, forward_tokens, num_blocks"),
        ("SST", "SST is no MaskTokenBackbone, it lacks with_mask_token"),
        ("SSMAEViT", "SSMAEViT is no MaskTokenBackbone, it lacks with_mask_token"),
    ],
)
def test_what_a_backbone_lacks_is_named(backbone, message):
    with pytest.raises(ConfigError, match=message):
        MODELS.build(dict(type=DINOv2, backbone=dict(type=backbone, in_channels=4)))


def test_no_mask_token_is_needed_without_ibot():
    model = dinov2(backbone_options=dict(with_mask_token=False), loss_weights=dict(ibot=0))
    assert "loss_ibot" not in model(crops(), mode="loss")


@pytest.mark.parametrize("count", [1, 3])
def test_views_of_another_order_are_named(count):
    views = [torch.randn(2, 6, 8 * (index + 1), 16) for index in range(count)]
    with pytest.raises(ConfigError, match="expected 2 global ones of one size first"):
        dinov2()(views, mode="loss")


def test_other_modes_are_named():
    with pytest.raises(ConfigError, match="mode='predict' is not offered"):
        dinov2()(torch.zeros(1, 6, 16, 16), mode="predict")
