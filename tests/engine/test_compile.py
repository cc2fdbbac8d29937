"""``compile`` in a config."""

import functools

import pytest
import torch

from mmhsi.models.weights import read_checkpoint

CONFIG = "configs/mae/mae_hsi-vit-tiny-p3_demo.py"


@pytest.mark.slow
@pytest.mark.parametrize("precision", [(), ("--amp", "bf16")], ids=["float32", "bfloat16"])
def test_a_run_that_compiles_learns_what_another_does(run_tool, repository, tmp_path, monkeypatch, precision):
    monkeypatch.chdir(repository)
    compiled = []
    compile_ = torch.compile

    @functools.wraps(compile_)
    def noted(job, **given):
        if job.__module__ != "mmhsi.engine.compile_check":  # which wraps and never calls
            compiled.append(job)
        return compile_(job, **given)

    monkeypatch.setattr(torch, "compile", noted)
    weights = []
    for name, options in {"plain": (), "compiled": ("compile.backend=eager",)}.items():
        words = ("train_cfg.max_epochs=1", "train_dataloader.num_workers=0", *options)
        run_tool("train", CONFIG, "--work-dir", tmp_path / name, "--seed", "0", *precision, "--cfg-options", *words)
        weights.append(read_checkpoint(tmp_path / name / "epoch_1.pth")["state_dict"])
    assert [job.__name__ for job in compiled] == ["forward"]  # not the optimiser's step and mixed precision's switches
    for key, value in weights[0].items():
        torch.testing.assert_close(weights[1][key], value, rtol=1e-4, atol=1e-5)
    torch._dynamo.reset()
