"""Mixed precision: which wrapper --amp takes, and what bfloat16's does beside plain training."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from torch import nn

from mmhsi.engine import BFloat16OptimWrapper, use_amp
from mmhsi.errors import ConfigError
from mmhsi.registry import OPTIM_WRAPPERS


def amp(chosen=None, **wrapper):
    cfg = Config(dict(optim_wrapper=dict(wrapper, optimizer=dict(type="SGD", lr=0.1))))
    use_amp(cfg, chosen)
    result = cfg.optim_wrapper.to_dict()
    result.pop("optimizer")
    return result


@pytest.fixture
def device(monkeypatch):
    """Pretend to have a GPU: none, one with bfloat16, one that emulates it, one without."""

    def choose(kind):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: kind != "none")
        monkeypatch.setattr(
            torch.cuda,
            "is_bf16_supported",
            lambda including_emulation=True: kind == "bf16" or (including_emulation and kind == "emulated"),
        )

    return choose


BF16, FP16 = dict(type="BFloat16OptimWrapper"), dict(type="AmpOptimWrapper", dtype="float16")


@pytest.mark.parametrize(
    ("kind", "dtype", "expected"),
    [
        ("none", None, BF16),
        ("none", "bf16", BF16),
        ("bf16", None, BF16),
        ("bf16", "fp16", FP16),
        ("emulated", None, FP16),
        ("emulated", "bf16", BF16),
        ("old", None, FP16),
    ],
)
def test_the_wrapper_fits_the_device(device, kind, dtype, expected):
    device(kind)
    assert amp(dtype) == expected
    assert amp(dtype, type="OptimWrapper", clip_grad=dict(max_norm=1.0)) == dict(expected, clip_grad=dict(max_norm=1.0))


def test_loss_scaling_is_for_fp16_alone(device):
    device("bf16")
    given = dict(type="AmpOptimWrapper", loss_scale=512.0, dtype="bfloat16")
    assert amp("bf16", **given) == BF16
    assert amp("fp16", **given) == dict(FP16, loss_scale=512.0)


@pytest.mark.parametrize(
    ("kind", "dtype", "wrapper", "message"),
    [
        ("none", "fp16", "OptimWrapper", "needs a GPU"),
        ("old", "bf16", "OptimWrapper", "has no bfloat16"),
        ("none", None, "ApexOptimWrapper", "'ApexOptimWrapper' cannot be replaced"),
    ],
)
def test_what_cannot_be_is_one_line(device, kind, dtype, wrapper, message):
    device(kind)
    with pytest.raises(ConfigError, match=message):
        amp(dtype, type=wrapper)


def test_fp16_without_a_gpu_from_the_command_line(run_tool, repository, tmp_path, monkeypatch, capfd, device):
    device("none")
    monkeypatch.chdir(repository)
    config = "configs/mae/mae_hsi-vit-tiny-p3_demo.py"
    assert run_tool("train", config, "--work-dir", tmp_path, "--amp", "fp16") == 2
    assert capfd.readouterr().err.strip().splitlines()[-1].startswith("error: --amp fp16: float16 needs a GPU")


def trained(kind, steps, model=None, state=None, **options):
    """Train a small network on fixed data; also the wrapper."""
    torch.manual_seed(0)
    fresh = nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 1))
    model = model or fresh
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    wrapper = OPTIM_WRAPPERS.build(dict(type=kind, optimizer=optimizer, **options))
    if state is not None:
        wrapper.load_state_dict(state)
    data = torch.randn(steps, 16, 6)
    for x in data:
        with wrapper.optim_context(model):
            out = model(x)
            loss = (out.float()[:, 0] - x[:, 0]).square().mean()
        wrapper.update_params(loss)
    return model, wrapper, out


def test_the_forward_pass_alone_is_bfloat16():
    model, wrapper, out = trained("BFloat16OptimWrapper", 1)
    assert isinstance(wrapper, BFloat16OptimWrapper)
    assert out.dtype == torch.bfloat16
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    moments = [value for state in wrapper.optimizer.state.values() for value in state.values()]
    assert all(value.dtype == torch.float32 for value in moments)


def test_accumulation_and_clipping_are_those_of_plain_training():
    kinds = ("BFloat16OptimWrapper", "OptimWrapper")
    half, plain = (trained(kind, 6, accumulative_counts=3, clip_grad=dict(max_norm=0.05))[0] for kind in kinds)
    start = trained("OptimWrapper", 2, accumulative_counts=3)[0]  # not yet updated
    for one, other, before in zip(half.parameters(), plain.parameters(), start.parameters(), strict=True):
        assert not torch.equal(other, before)
        # Two of Adam's steps of 0.01; a gradient near 0 may have another sign.
        torch.testing.assert_close(one, other, atol=0.01, rtol=0)


def test_the_gradient_is_clipped():
    model, wrapper, _ = trained("BFloat16OptimWrapper", 1, accumulative_counts=2, clip_grad=dict(max_norm=1e-3))
    wrapper._clip_grad()
    norm = torch.stack([parameter.grad.norm() for parameter in model.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize("kind", ["BFloat16OptimWrapper", "OptimWrapper"])
def test_a_run_goes_on_with_or_without(kind):
    model, wrapper, _ = trained("BFloat16OptimWrapper", 3)
    state = wrapper.state_dict()
    assert state.keys() == OptimWrapper(torch.optim.AdamW(model.parameters())).state_dict().keys()
    _, again, _ = trained(kind, 1, model=model, state=state)
    assert {int(entry["step"]) for entry in again.optimizer.state.values()} == {4}


def test_a_scalers_state_does_no_harm():
    """What a float16 run saved beside the optimiser's state."""
    model, wrapper, _ = trained("OptimWrapper", 2)
    state = dict(wrapper.state_dict(), loss_scaler=dict(scale=65536.0, growth_factor=2.0))
    assert (
        trained("BFloat16OptimWrapper", 1, model=model, state=state)[1].state_dict().keys()
        == wrapper.state_dict().keys()
    )
