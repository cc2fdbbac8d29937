"""Runs that are killed and resumed end as runs that nobody killed, bit for bit."""

import signal

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


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in crash_test.CASES if name.startswith(("classif", "segment"))])
def test_a_run_that_is_asked_to_end_saves_says_so_and_resumes_exactly(name, tmp_path):
    """SIGTERM to all its processes, those that load data too."""

    def longer(cfg):
        shrink(cfg)
        cfg.default_hooks.checkpoint.interval = 100
        cfg.train_cfg.update(dict(max_iters=40) if "max_iters" in cfg.train_cfg else dict(max_epochs=6))

    config = crash_test.write_config(crash_test.CASES[name], tmp_path / "config.py", longer)
    crash_test.finish(config, tmp_path / "undisturbed")
    stopped = tmp_path / "stopped"
    begun = lambda: any("(train)" in path.read_text() for path in stopped.rglob("*.log"))  # noqa: E731
    assert crash_test.kill(config, stopped, begun, signal.SIGTERM)
    (saved,) = stopped.glob("*_[0-9]*.pth")
    assert 0 < int(saved.stem.rpartition("_")[2]) < 40
    said = [line for line in (stopped / "output.log").read_text().splitlines() if "SIGTERM" in line]
    assert said == [f"ended by SIGTERM: {saved} is there; --resume goes on from there"]
    crash_test.finish(config, stopped)
    expected, actual = (crash_test.outcome(folder) for folder in (tmp_path / "undisturbed", stopped))
    actual["files"] = expected["files"]
    assert crash_test.differences(expected, actual) == []


def test_differences_are_found():
    a = {"x": [torch.ones(2)], "y": {"z": 1}}
    assert crash_test.differences(a, {"x": [torch.ones(2)], "y": {"z": 1}}) == []
    changed = torch.ones(2)
    changed[1] += 1e-7
    assert crash_test.differences(a, {"x": [changed], "y": {"z": 1}}) == ["/x/0"]
    assert crash_test.differences(a, {"x": [], "y": {"z": 2}}) == ["/x: 1 and 0 items", "/y/z"]
    assert crash_test.differences(a, {"x": a["x"]}) == [": keys ['y']"]
