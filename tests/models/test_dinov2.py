"""DINOv2 on both ViT backbones."""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from mmhsi.errors import ConfigError
from mmhsi.models.preprocessors.view_preprocessor import ViewPreprocessor
from mmhsi.models.rng import BatchRNG
from mmhsi.models.selfsup.dinov2 import DINOv2
from mmhsi.registry import MODELS

pytestmark = pytest.mark.usefixtures("scope")

BACKBONES = {
    "spatial": dict(type="HSIViT", num_registers=2, ffn_type="swiglu_fused", pos_embed="learned", with_mask_token=True),
    "two streams": dict(type="SpatialSpectralViT", spectral_patch_size=2, spectral_grid=4, num_registers=2),
    "paper": dict(type="SpatialSpectralViT", mode="paper", spectral_patch_size=2, local_img_size=8, num_registers=2),
}
ARCH = dict(embed_dims=16, num_layers=2, num_heads=2, feedforward_channels=24)


def untrained(backbone="spatial", size=16, backbone_options=(), **options):
    sizes = dict(in_channels=6, arch=ARCH, img_size=size, patch_size=4, layer_scale_init_value=1.0)
    torch.manual_seed(0)
    return MODELS.build(
        dict(
            type=DINOv2,
            backbone={**sizes, **BACKBONES[backbone], **dict(backbone_options)},
            head=dict(type="DINOHead", num_prototypes=10, hidden_channels=12, bottleneck_channels=8),
            data_preprocessor=dict(type=ViewPreprocessor, num_bands=6),
            **options,
        )
    )


def dinov2(*args, **options):
    model = untrained(*args, **options)
    for branch in (model.student, model.teacher):  # heads that tell tokens apart, and a teacher that is not the student
        for parameter in branch.parameters():
            parameter.data += 0.2 * torch.randn_like(parameter)
    return model


def crops(images=3, local=2, size=16):
    return [torch.randn(images, 6, side, side) for side in [size] * 2 + [size // 2] * local]


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


# The losses, beside loops over streams, views, images and tokens that encode every crop alone.


def encode_alone(branch, crop, masks=()):
    """[(CLS (d,), tokens (N, d))] of the streams of one crop (C, h, w)."""
    tokens = branch.backbone.forward_tokens(crop[None], *[mask[None] for mask in masks])
    streams = [(tokens.cls[0], tokens.patches[0])]
    return streams if tokens.spectral is None else [*streams, (tokens.spectral_cls[0], tokens.spectral[0])]


def head_of(branch, term):
    return branch.heads["shared"] if "shared" in branch.heads else branch.heads[term]


def assign(rows, counts, model, term, temperature):
    """Rows of scores to assignments, float64, one normalisation at a time."""
    scores = torch.stack(rows).double()
    if hasattr(model.centring[term], "centre"):
        return ((scores - model.centring[term].centre.double()) / temperature).softmax(1)
    shares = (scores / temperature).exp() * torch.tensor(counts, dtype=torch.float64)[:, None]
    for _ in range(3):
        for k in range(shares.shape[1]):
            shares[:, k] = shares[:, k] / shares[:, k].sum()
        for i in range(len(shares)):
            shares[i] = shares[i] / shares[i].sum().clamp(min=1e-300)
    return shares


def cross_entropy(target, scores, temperature):
    return -(target * (scores.double() / temperature).log_softmax(0)).sum()


@torch.no_grad()
def slow_losses(model, views, valid, masks):
    images, patch = len(views[0]), model.student.backbone.patch_size
    losses = {}
    taught = [[encode_alone(model.teacher, views[v][b]) for b in range(images)] for v in range(2)]
    learned = []
    for v in range(len(views)):
        row = []
        for b in range(images):
            own = [mask.hidden[v * images + b] for mask in masks] if v < 2 else []
            row.append(encode_alone(model.student, views[v][b], own))
        learned.append(row)
    for s, prefix in enumerate(model.prefixes):
        term = f"{prefix}dino"
        rows = [head_of(model.teacher, term)(taught[v][b][s][0]) for v in range(2) for b in range(images)]
        targets = assign(rows, [1.0] * len(rows), model, term, model.teacher_temperature).unflatten(0, (2, images))
        sums = dict(dino_global=0.0, dino_local=0.0)
        for t in range(2):
            for v in range(len(views)):
                for b in range(images):
                    if v != t:
                        scores = head_of(model.student, term)(learned[v][b][s][0])
                        loss = cross_entropy(targets[t, b], scores, model.student_temperature)
                        sums["dino_global" if v < 2 else "dino_local"] += loss / images / (2 + 2 * (len(views) - 2))
        koleo = 0.0
        for v in range(2):
            unit = [learned[v][b][s][0] / learned[v][b][s][0].norm() for b in range(images)]
            for b in range(images):
                nearest = min((unit[b] - unit[c]).norm().item() for c in range(images) if c != b)
                koleo -= math.log(math.hypot(nearest, 1e-3)) / images
        term, rows, student_rows, counts, shares = f"{prefix}ibot", [], [], [], []
        for v in range(2):
            for b in range(images):
                hidden = masks[s].hidden[v * images + b].nonzero().flatten().tolist()
                columns = views[v].shape[3] // patch
                holds = []
                for n in hidden:
                    top, left = n // columns * patch, n % columns * patch
                    window = valid[v][b, top : top + patch, left : left + patch]
                    holds.append(prefix != "" or bool(window.any()))
                for n, counted in zip(hidden, holds, strict=True):
                    rows.append(head_of(model.teacher, term)(taught[v][b][s][1][n]))
                    student_rows.append(head_of(model.student, term)(learned[v][b][s][1][n]))
                    counts.append(float(counted))
                    shares.append(counted / max(sum(holds), 1))
        targets = assign(rows, counts, model, term, model.teacher_temperature)
        sums["ibot"] = sum(
            share * cross_entropy(target, scores, model.student_temperature) / (2 * images)
            for share, target, scores in zip(shares, targets, student_rows, strict=True)
        )
        sums["koleo"] = 0.1 * koleo
        losses.update({f"loss_{prefix}{name}": float(value) for name, value in sums.items()})
    return losses


@pytest.mark.parametrize("backbone", BACKBONES)
@pytest.mark.parametrize(
    "options", [dict(), dict(separate_heads=True, centring="softmax", student_temperature=0.2)], ids=["", "separate"]
)
def test_losses_beside_loops(backbone, options):
    model = dinov2(backbone, **options).eval()
    for centring in model.centring.values():
        for buffer in centring.buffers():
            buffer.normal_(std=0.1)
    views = crops()
    valid = [torch.ones(3, *view.shape[2:], dtype=torch.bool) for view in views]
    valid[0][1, :9] = False
    valid[1][:, :, 4:8] = False
    torch.manual_seed(3)
    losses = model(views, valid=valid, mode="loss")
    torch.manual_seed(3)
    masks = model.draw_masks(torch.cat(views[:2]), valid, BatchRNG(3, "cpu"))
    assert all(mask.hidden.any() for mask in masks)
    wanted = slow_losses(model, views, valid, masks)
    assert {name for name in losses if "loss" in name} == set(wanted)
    for name, value in wanted.items():
        assert losses[name].item() == pytest.approx(value, rel=2e-4), name


def test_weights_scale_their_terms_and_zero_leaves_them_out():
    model, views = dinov2("two streams").eval(), crops()
    torch.manual_seed(0)
    plain = model(views, mode="loss")
    weights = dict(dino=2.0, ibot=0.5, koleo=0.3, spectral_dino=0.25, spectral_ibot=3.0, spectral_koleo=0.0)
    model.loss_weights = weights
    torch.manual_seed(0)
    weighted = model(views, mode="loss")
    assert "loss_spectral_koleo" not in weighted
    factors = dict(weights, koleo=0.3 / 0.1)
    for name, value in weighted.items():
        if name.startswith("loss_"):
            factor = factors[name.removeprefix("loss_").removesuffix("_global").removesuffix("_local")]
            assert value.item() == pytest.approx(factor * plain[name].item(), rel=1e-5), name
    spatial_only = dinov2("two streams", loss_weights=dict(spectral_dino=0, spectral_ibot=0, spectral_koleo=0))
    names = [name for name in spatial_only(views, mode="loss") if name.startswith("loss_")]
    assert names == ["loss_dino_global", "loss_dino_local", "loss_ibot", "loss_koleo"]


def test_identical_views_cost_least_with_the_teachers_own_weights():
    """Same temperature, no centring, nothing hidden: the teacher's copy pays the entropy, every other student more."""
    options = dict(centring="softmax", teacher_temperature=0.1, loss_weights=dict(ibot=0, koleo=0))
    model = dinov2(**options).eval()
    views = crops(local=0)
    views[1] = views[0]
    model.student.load_state_dict(model.teacher.state_dict())
    least = model(views, mode="loss")
    assert least["loss_dino_global"].item() == pytest.approx(least["entropy"].item() * math.log(10), rel=1e-5)
    for _ in range(10):
        for parameter in model.student.parameters():
            parameter.data += 0.02 * torch.randn_like(parameter)
        assert model(views, mode="loss")["loss_dino_global"] > least["loss_dino_global"]


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
