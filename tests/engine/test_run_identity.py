"""A run goes on as what it is, follows a new schedule, or is refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from scripts import REPOSITORY, run_tool
from small_models import SMALL

from mmhsi.engine.resume import newest_checkpoint
from mmhsi.models.weights import read_checkpoint

SCHEDULES = """[dict(type='LinearLR', start_factor=0.1, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
dict(type='CosineAnnealingLR', by_epoch=True, begin=1, end={epochs}, convert_to_iter_based=True),
dict(type='MultiStepLR', by_epoch=True, milestones=[1, 4], gamma=0.5)]"""


def configs(folder):
    """A small classification of several steps an epoch, whose learning rates depend on its length."""

    def write(epochs, **options):
        cfg = Config.fromfile(REPOSITORY / "configs/hsi_vit/hsi-vit-tiny-p3.py")
        cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs, val_interval=100)
        cfg.model.backbone.arch = SMALL
        cfg.model.head.in_channels = 32
        cfg.model.tta = False
        cfg.train_dataloader.batch_size = 16
        cfg.param_scheduler = eval(SCHEDULES.format(epochs=epochs))
        cfg.default_hooks.logger = dict(type="LoggerHook", interval=1)
        cfg.default_hooks.checkpoint.update(interval=1)
        cfg.merge_from_dict(options)
        cfg.dump(folder / "config.py")
        return folder / "config.py"

    return write


@pytest.fixture(scope="module")
def trained(generated_data, tmp_path_factory):
    """The work dir of two epochs."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMHSI_DATA", str(generated_data))
        assert run_tool("train", configs(folder)(2), "--work-dir", folder / "w") == 0
    return folder / "w"


@pytest.fixture
def config(generated_data, tmp_path, monkeypatch):
    monkeypatch.setenv("MMHSI_DATA", str(generated_data))
    return configs(tmp_path)


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(trained, tmp_path / "w"))


def rates(folder):
    """Learning rate of each step."""
    lines = [line for path in sorted(folder.glob("*/vis_data/scalars.json")) for line in path.read_text().splitlines()]
    entries = [json.loads(line) for line in lines]
    return {entry["step"]: entry["lr"] for entry in entries if "lr" in entry}


def test_a_longer_schedule_is_followed(config, run, tmp_path, run_tool):
    short = rates(run)
    assert run_tool("train", config(4), "--work-dir", run, "--resume") == 0
    assert run_tool("train", config(4), "--work-dir", tmp_path / "long") == 0
    resumed, long = rates(run), rates(tmp_path / "long")
    assert len(resumed) == len(long) == 2 * len(short)
    done = max(short)
    assert {step: rate for step, rate in resumed.items() if step <= done} == short
    after = {step: rate for step, rate in long.items() if step > done}
    assert {step: rate for step, rate in resumed.items() if step > done} == pytest.approx(after, rel=1e-9)
    assert len(set(after.values())) > 10
    # It is another run's end from now on: less than was done is refused.
    assert run_tool("train", config(2), "--work-dir", run, "--resume") == 2


OTHER_RUNS = [
    ({"train_dataloader.dataset.split.per_class": 3}, "split.per_class is 3 instead of"),
    ({"train_dataloader.dataset.window": 7}, "dataset.window is 7 instead of"),
    ({"model.backbone.drop_rate": 0.3}, "model.backbone.drop_rate is 0.3 instead of"),
    ({"optim_wrapper.optimizer.lr": 1.0}, "optim_wrapper.optimizer.lr is 1.0 instead of"),
    ({"train_dataloader.batch_size": 4}, "train_dataloader.batch_size is 4 instead of 16"),
    ({"train_cfg.max_epochs": 1}, "train_cfg.max_epochs is 1, the checkpoint's run has done 2"),
]


def contents(folder):
    """Every file of a folder."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_run_is_refused_in_one_line(config, run, run_tool, capsys):
    before = contents(run)
    assert any(path.suffix == ".py" for path in before)
    for changed, named in OTHER_RUNS:
        assert run_tool("train", config(2, **changed), "--work-dir", run, "--resume") == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("error: --resume: ")
        assert named in line
        assert contents(run) == before


def test_a_run_that_is_refused_when_its_data_are_read_leaves_what_was_there(config, run, run_tool):
    before = contents(run)
    assert run_tool("train", config(3, **{"val_dataloader.dataset.scene": "nowhere"}), "--work-dir", run) == 2
    assert contents(run) == before


def test_a_checkpoint_without_the_state_of_the_training_is_refused(config, run, run_tool, capsys):
    whole = torch.load(run / "epoch_2.pth", weights_only=False)
    for part, content in (("optimizer", None), ("param_schedulers", None), ("pending_gradients", 5)):
        changed = {name: value for name, value in whole.items() if name != part}
        torch.save(changed | ({} if content is None else {part: content}), run / "epoch_2.pth")
        assert run_tool("train", config(4), "--work-dir", run, "--resume") == 2
        assert part in capsys.readouterr().err.splitlines()[-1]
    torch.save(dict(whole, meta=dict(whole["meta"], epoch=10**30)), run / "epoch_2.pth")
    assert run_tool("train", config(2), "--work-dir", run, "--resume") == 2


def test_a_folder_goes_on_from_its_own_checkpoint(run, trained):
    """A copy's ``last_checkpoint`` names that of the folder it was copied from; a damaged one names none."""
    assert Path((run / "last_checkpoint").read_text()).is_relative_to(trained)
    for content in (None, b"\xff\xfe", b"a" * 5000, b"\0", b""):
        if content is not None:
            (run / "last_checkpoint").write_bytes(content)
        path, _ = newest_checkpoint(run)
        assert path == run / "epoch_2.pth"


def test_a_run_without_a_checkpoint_begins(config, tmp_path, run_tool, capfd):
    assert run_tool("train", config(2), "--work-dir", tmp_path / "new", "--resume") == 0
    assert f"{tmp_path / 'new'}: no checkpoint yet, the run starts from its beginning" in "".join(capfd.readouterr())


def test_what_changes_nothing_is_no_other_run(config, run, tmp_path, run_tool, generated_data, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(generated_data)
    monkeypatch.setenv("MMHSI_DATA", str(elsewhere))
    other = config(3, **{"train_cfg.val_interval": 1, "train_dataloader.pin_memory": False})
    text = other.read_text()
    assert str(elsewhere) in text or "elsewhere" not in text
    assert run_tool("train", other, "--work-dir", run, "--resume") == 0
    assert read_checkpoint(run / "epoch_3.pth")["meta"]["epoch"] == 3


def test_a_test_on_another_split_than_that_of_the_training_is_doubted(config, run, tmp_path, run_tool, capsys):
    for seed, doubted in ((0, False), (1, True)):
        options = ("--work-dir", tmp_path / f"t{seed}", "--seed", seed)
        assert run_tool("test", config(2), run / "epoch_2.pth", *options) == 0
        assert ("was trained on other pixels (seed 0) than this split" in capsys.readouterr().err) == doubted


def test_a_test_with_other_windows_than_those_of_the_training_is_doubted(config, run, tmp_path, run_tool, capsys):
    told = "test_dataloader.dataset: windows of {0} x {0} pixels, where the model is trained on 9 x 9"
    for side in (9, 15):
        changed = config(2, **{"test_dataloader.dataset.window": side})
        assert run_tool("test", changed, run / "epoch_2.pth", "--work-dir", tmp_path / f"t{side}") == 0
        assert (told.format(side) in capsys.readouterr().err) == (side == 15)
        assert run_tool("train", changed, "--work-dir", tmp_path / f"w{side}") == 0
        assert (told.format(side) in capsys.readouterr().err) == (side == 15)


def test_weights_that_are_not_finite_are_passed_over_and_refused(config, run, tmp_path, run_tool, capsys):
    expected = read_checkpoint(run / "epoch_2.pth")["state_dict"]
    for value in (float("nan"), float("-inf")):
        checkpoint = read_checkpoint(run / "epoch_2.pth")
        name = next(key for key, each in checkpoint["state_dict"].items() if each.is_floating_point() and each.ndim)
        checkpoint["state_dict"][name].view(-1)[0] = value
        torch.save(checkpoint, run / "epoch_2.pth")
        assert run_tool("test", config(2), run / "epoch_2.pth", "--work-dir", tmp_path / "t") == 2
        assert f"epoch_2.pth: {name} holds NaN or infinite values" in capsys.readouterr().err.splitlines()[-1]
        assert run_tool("train", config(2), "--work-dir", run, "--resume") == 0  # from epoch 1
        again = read_checkpoint(run / "epoch_2.pth")["state_dict"]
        assert all(torch.equal(again[key], each) for key, each in expected.items())
