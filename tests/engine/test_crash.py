"""Runs that are killed and resumed end as runs that nobody killed, bit for bit."""

import crash_test
import pytest
import torch
from small_models import DECODER, SMALL


@pytest.fixture(scope="module", autouse=True)
def _environment(generated_data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMHSI_DATA", str(generated_data))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


TWICE = "classification"
"""The case whose resumed run is killed once more."""


def shrink(cfg):
    """Few steps of a small model."""
    model, by_iterations = cfg.model, "max_iters" in cfg.train_cfg
    if model.backbone.type == "HSIViT":
        model.backbone.arch = SMALL
    if model.type == "MAE":
        model.decoder.update(DECODER)
    elif model.type == "DINOv2":
        model.head.update(num_prototypes=64, hidden_channels=32, bottleneck_channels=16)
    elif model.type == "EncoderDecoder":
        model.backbone.out_indices = model.decode_head.in_index = (0, 1)
        model.decode_head.in_channels = [16, 16]
    elif model.type == "PixelClassifier":
        model.head.in_channels = 32
    if by_iterations:
        cfg.train_cfg.max_iters = 12
    else:
        cfg.train_cfg.max_epochs = 3 if model.type == "PixelClassifier" else 2
    cfg.train_dataloader.batch_size = 4
    dataset = cfg.train_dataloader.dataset
    if dataset.get("subset") == "all":
        dataset.stride = 6
        cfg.train_dataloader.batch_size = 8


def written(folder, name):
    """When a checkpoint is there."""
    return lambda: (folder / name).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", crash_test.CASES)
def test_a_killed_run_resumes_exactly(name, tmp_path):
    config = crash_test.write_config(crash_test.CASES[name], tmp_path / "config.py", shrink)
    crash_test.finish(config, tmp_path / "undisturbed")
    killed = tmp_path / "killed"
    template = "iter_{}.pth" if "iterations" in name else "epoch_{}.pth"
    steps = [10] if "iterations" in name else [1, 2] if TWICE in name else [1]
    for step in steps:  # the first before anything else of the step's end is done
        assert crash_test.kill(config, killed, written(killed, template.format(step)))
    crash_test.finish(config, killed)
    expected = crash_test.outcome(tmp_path / "undisturbed")
    assert expected["optimizer"]["state"]
    assert "report" in expected or "MAE" in name or "LO-MSST" in name or "DINO" in name
    assert crash_test.differences(expected, crash_test.outcome(killed)) == []


def test_differences_are_found():
    a = {"x": [torch.ones(2)], "y": {"z": 1}}
    assert crash_test.differences(a, {"x": [torch.ones(2)], "y": {"z": 1}}) == []
    changed = torch.ones(2)
    changed[1] += 1e-7
    assert crash_test.differences(a, {"x": [changed], "y": {"z": 1}}) == ["/x/0"]
    assert crash_test.differences(a, {"x": [], "y": {"z": 2}}) == ["/x: 1 and 0 items", "/y/z"]
    assert crash_test.differences(a, {"x": a["x"]}) == [": keys ['y']"]
