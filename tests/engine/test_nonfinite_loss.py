"""A loss that is no number: the run stops, names the samples, keeps what shows why, and saves no broken weights."""

import math
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from small_models import mae, shrink
from torch import nn
from torch.utils.data import DataLoader

from mmhsi.engine import NonFiniteLossHook
from mmhsi.engine.hooks.batch_report import describe_batch, model_inputs, name_suspects, sample_names
from mmhsi.engine.hooks.nonfinite_loss import nonfinite
from mmhsi.errors import ConfigError, TrainingError
from mmhsi.io import HSICube, write_cube
from mmhsi.models import ViewPreprocessor
from mmhsi.models.weights import read_checkpoint
from mmhsi.registry import MODELS

MAE = "configs/mae/mae_hsi-vit-tiny-p3_demo.py"
FILL = 3.4e38  # a fill value that the file does not declare


def write_tiles(folder, poisoned=None):
    """Eight float tiles of 5 bands; in one of them a value is a fill value that nobody declared."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for index in range(8):
        data = rng.normal(500, 20, (12, 12, 5)).astype(np.float32)
        if index == poisoned:
            data[7, 2, 1] = FILL
        write_cube(folder / f"{index}.tif", HSICube(data))
    return folder


def tile_config(path, repository, tiles, **changes):
    runtime = Config.fromfile(repository / "configs/_base_/default_runtime.py")
    cfg = Config(
        dict(
            runtime,
            model=mae(5, 6, dict(type="TilePreprocessor", mean=[500.0] * 5, std=[0.5] * 5)),
            train_dataloader=dict(
                batch_size=4,
                num_workers=0,
                sampler=dict(type="SeededSampler", shuffle=False),
                dataset=dict(
                    type="TileDataset", data_root=str(tiles), image_dir=".", with_labels=False, window=6,
                    pipeline=[dict(type="LoadCube"), dict(type="PackTile")],
                ),
            ),
            optim_wrapper=dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3)),
            train_cfg=dict(by_epoch=True, max_epochs=1),
        )
    )  # fmt: skip
    cfg.default_hooks.checkpoint = dict(type="CheckpointHook", by_epoch=False, interval=2, max_keep_ckpts=1)
    cfg.merge_from_dict(changes)
    cfg.dump(path)
    return path


def test_a_fill_value_stops_the_run_and_is_named(run_tool, repository, tmp_path, capfd):
    tiles = write_tiles(tmp_path / "tiles", poisoned=3)
    config = tile_config(tmp_path / "c.py", repository, tiles)
    assert run_tool("train", config, "--work-dir", tmp_path / "w") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    # Four windows a tile and a batch: the fourth tile, its third window.
    assert line.startswith("error: training stopped at iteration 4 (epoch 1): loss=")
    assert f"{tiles / '3.tif'} rows 6 to 11, columns 0 to 5" in line
    assert str(tmp_path / "w/nonfinite_iter_4.pth") in line
    assert [path.name for path in sorted((tmp_path / "w").glob("*.pth"))] == ["iter_2.pth", "nonfinite_iter_4.pth"]
    good = read_checkpoint(tmp_path / "w/iter_2.pth")["state_dict"]
    assert all(value.isfinite().all() for value in good.values() if value.is_floating_point())

    dump = read_checkpoint(tmp_path / "w/nonfinite_iter_4.pth", allow_nonfinite=True)
    assert (dump["iter"], dump["epoch"], dump["seed"], dump["rank"]) == (4, 1, 0, 0)
    assert not math.isfinite(dump["losses"]["loss"])
    assert dump["state_dict"].keys() == good.keys()
    assert dump["nonfinite_weights"]
    (inputs,) = dump["inputs"]
    assert inputs.shape == (4, 5, 6, 6)
    assert inputs[2].abs().max() > 1e30
    for sample, x in zip(dump["samples"], inputs, strict=True):
        finite = x[x.isfinite()]
        assert sample["finite"] == finite.numel()
        assert (sample["min"], sample["max"]) == (finite.min().item(), finite.max().item())


def test_pixels_of_a_scene_are_named(run_tool, repository, tmp_path, capfd):
    cfg = shrink(Config.fromfile(repository / MAE))
    cfg.model.data_preprocessor.update(mean=[300.0] * 56, std=[0.5] * 56)
    cube = np.full((24, 24, 56), 300, np.float32)
    cube[9, 4, 5] = FILL
    write_cube(tmp_path / "cube.tif", HSICube(cube))
    cfg.train_dataloader.dataset.update(data_root=str(tmp_path), scene=dict(image="cube.tif"), stride=2)
    cfg.train_dataloader.batch_size = 64
    cfg.dump(tmp_path / "c.py")
    assert run_tool("train", tmp_path / "c.py", "--work-dir", tmp_path / "w") == 2
    line = capfd.readouterr().err.strip().splitlines()[-1]
    (dump,) = (tmp_path / "w").glob("nonfinite_iter_*.pth")
    suspicious = [
        sample
        for sample in read_checkpoint(dump, allow_nonfinite=True)["samples"]
        if sample["finite"] < sample["values"]
    ]
    assert suspicious
    for sample in suspicious:
        _, row, _, column, *scene = sample["name"].split()
        # The poisoned pixel is within the windows of 9 pixels around them.
        assert abs(int(row.rstrip(",")) - 9) <= 4
        assert abs(int(column) - 4) <= 4
        assert scene[0] == "of"
    assert suspicious[0]["name"] in line
    assert not list((tmp_path / "w").glob("epoch_*.pth"))


def test_a_healthy_run_is_the_same_with_and_without(run_tool, repository, tmp_path):
    config = tile_config(tmp_path / "with.py", repository, write_tiles(tmp_path / "tiles"))
    cfg = Config.fromfile(config)
    assert cfg.custom_hooks[-1].type == "NonFiniteLossHook"
    cfg.custom_hooks = cfg.custom_hooks[:-1]
    cfg.dump(tmp_path / "without.py")
    for name in ("with", "without"):
        assert run_tool("train", tmp_path / f"{name}.py", "--work-dir", tmp_path / name) == 0
    one, other = (read_checkpoint(tmp_path / name / "iter_8.pth") for name in ("with", "without"))
    assert all(torch.equal(one["state_dict"][key], other["state_dict"][key]) for key in other["state_dict"])
    assert not list(tmp_path.glob("*/nonfinite*"))


# Single steps, of a loss given by its gradient.


class Steps:
    """What the hook sees of a run of one parameter under SGD, without mmengine's loop."""

    def __init__(self, tmp_path, hook, accumulate=1, scaler=False, hooks=()):
        self.model = nn.Linear(2, 1, bias=False)
        self.model.data_preprocessor = nn.Identity()
        self.model.data_preprocessor.forward = lambda batch, training: dict(inputs=batch["inputs"])
        self.message_hub = SimpleNamespace(log_scalars={})
        self.logger = SimpleNamespace(warning=lambda text: self.warnings.append(text))
        self.optim_wrapper = SimpleNamespace(loss_scaler=None) if scaler else SimpleNamespace()
        self.warnings, self.hooks, self.accumulate, self.scaler, self.hook = [], hooks, accumulate, scaler, hook
        self.work_dir, self.seed, self.iter, self.epoch, self.max_iters = tmp_path, 0, 0, 0, 10
        self.train_dataloader = DataLoader(range(10))
        hook.before_train(self)

    def step(self, loss, gradient=0.0, batch=None, **terms):
        """One iteration; the gradient is added to the pending one and applied when it is due."""
        weight = self.model.weight
        weight.grad = torch.full_like(weight, gradient) + (0 if weight.grad is None else weight.grad)
        if (self.iter + 1) % self.accumulate == 0:
            if not (self.scaler and not weight.grad.isfinite().all()):
                weight.data -= weight.grad
            weight.grad = None
        outputs = dict(loss=torch.tensor(loss), information=torch.tensor(math.nan), **terms)
        self.message_hub.log_scalars = {
            f"train/{key}": SimpleNamespace(current=value.item) for key, value in outputs.items()
        }
        batch = batch or dict(inputs=torch.full((2, 3), float(self.iter)))
        self.model.data_preprocessor(batch, training=True)
        self.hook.after_train_iter(self, self.iter, batch, outputs)
        self.iter += 1


def test_patience_while_the_weights_are_whole(tmp_path):
    run = Steps(tmp_path, NonFiniteLossHook(patience=3), scaler=True)
    for loss in (1.0, math.inf, math.nan, 1.0, math.inf, math.nan):
        run.step(loss, gradient=0.0 if math.isfinite(loss) else math.nan)
    assert len(run.warnings) == 4
    assert run.model.weight.isfinite().all()
    # The first of the row is reported, with its own batch.
    with pytest.raises(
        TrainingError, match=r"iteration 5 \(epoch 1, 3 steps in a row\): loss=inf; .* largest, 4, in sample 1"
    ):
        run.step(math.nan)
    dump = read_checkpoint(tmp_path / "nonfinite_iter_5.pth", allow_nonfinite=True)
    assert dump["inputs"][0].unique().tolist() == [4.0]
    assert dump["nonfinite_weights"] == []


def test_every_bad_term_is_named(tmp_path):
    run = Steps(tmp_path, NonFiniteLossHook(patience=1))
    terms = dict(loss_ibot=torch.tensor(math.nan), loss_koleo=torch.tensor(2.0), loss_dino=torch.tensor(-math.inf))
    with pytest.raises(TrainingError, match=r": loss=nan, loss_ibot=nan, loss_dino=-inf; the inputs"):
        run.step(math.nan, **terms)
    assert read_checkpoint(tmp_path / "nonfinite_iter_1.pth", allow_nonfinite=True)["losses"]["loss_koleo"] == 2


def test_broken_weights_end_patience(tmp_path):
    run = Steps(tmp_path, NonFiniteLossHook(patience=3))
    run.step(1.0)
    with pytest.raises(TrainingError, match=r"iteration 2 .*loss=nan"):
        run.step(math.nan, gradient=math.nan)
    assert read_checkpoint(tmp_path / "nonfinite_iter_2.pth", allow_nonfinite=True)["nonfinite_weights"] == ["weight"]


def test_accumulated_gradients_end_patience_before_the_step(tmp_path):
    """Otherwise the next, innocent batch would be blamed."""
    run = Steps(tmp_path, NonFiniteLossHook(patience=3), accumulate=4)
    run.step(1.0)
    with pytest.raises(TrainingError, match="iteration 2 "):
        run.step(math.nan, gradient=math.nan)
    dump = read_checkpoint(tmp_path / "nonfinite_iter_2.pth", allow_nonfinite=True)
    assert (dump["nonfinite_weights"], dump["nonfinite_gradients"]) == ([], ["weight"])


@pytest.mark.parametrize("place", ["interval", "epoch"])
def test_a_finite_loss_with_a_broken_gradient_stops_before_a_checkpoint(tmp_path, place):
    due = CheckpointHook(by_epoch=place == "epoch", interval=2)
    run = Steps(tmp_path, NonFiniteLossHook(), hooks=[due])
    if place == "epoch":
        run.iter = 8
    run.step(1.0, gradient=math.nan)
    with pytest.raises(TrainingError, match=r"the loss is finite, but 1 weight is not, first weight"):
        run.step(1.0)


def saved(run):
    return dict(meta=dict(iter=7), state_dict=run.model.state_dict())


def test_no_broken_checkpoint_is_saved_whoever_asks(tmp_path):
    run = Steps(tmp_path, NonFiniteLossHook())
    run.hook.before_save_checkpoint(run, saved(run))
    run.model.weight.data[0, 0] = math.inf
    with pytest.raises(TrainingError, match=r"no checkpoint saved at iteration 7: 1 of the weights"):
        run.hook.before_save_checkpoint(run, saved(run))


def test_what_is_infinite_by_design_may_stay(tmp_path):
    run = Steps(tmp_path, hook := NonFiniteLossHook())
    run.model.register_buffer("mask", torch.tensor([0.0, -math.inf]))
    hook.before_train(run)
    hook.before_save_checkpoint(run, saved(run))


def test_a_sum_does_not_decide():
    largest = torch.full((4,), torch.finfo(torch.float32).max)
    assert nonfinite(dict(largest=largest, count=torch.ones(2, dtype=torch.int64))) == []
    opposite = torch.tensor([torch.inf, 0.0, -torch.inf])
    tensors = dict(largest=largest, opposite=opposite, small=torch.ones(1), nan=torch.tensor(torch.nan), none=None)
    assert nonfinite(tensors) == ["opposite", "nan"]


def test_patience_is_checked():
    with pytest.raises(ConfigError, match="patience=0"):
        NonFiniteLossHook(patience=0)


# Reports.


def test_views_are_taken_together():
    preprocessor = MODELS.build(dict(type="ViewPreprocessor", num_bands=2, mean=[0.0] * 2, std=[1.0] * 2))
    assert isinstance(preprocessor, ViewPreprocessor)
    views = [[torch.zeros(2, 4, 4), torch.ones(2, 4, 4)], [torch.zeros(2, 2, 2), torch.full((2, 2, 2), math.nan)]]
    valid = [[torch.ones(4, 4, dtype=torch.bool)] * 2, [torch.ones(2, 2, dtype=torch.bool)] * 2]
    batch = dict(inputs=views, valid=valid, data_samples=[SimpleNamespace(metainfo=dict(img_path=p)) for p in "ab"])
    inputs, _ = model_inputs(preprocessor(batch, True))
    report = describe_batch(inputs, batch)
    assert report[0] == dict(name="a", values=40, finite=40, min=0.0, max=0.0)
    assert report[1] == dict(name="b", values=40, finite=32, min=1.0, max=1.0)
    assert name_suspects(report) == "1 of 2 samples hold values that are not finite: b"
    assert name_suspects(report[:1]).endswith("the largest, 0, in a")


class Noise(nn.Module):
    """A preprocessor that draws."""

    def forward(self, batch, training):
        return dict(inputs=batch["inputs"] + torch.randn(2, 3))


def test_inputs_are_those_of_the_step_and_are_let_go_after_it(tmp_path):
    """With what batch augmentation drew; those of a step that goes on are not kept beside the next."""
    run = Steps(tmp_path, hook := NonFiniteLossHook(patience=1))
    run.model.data_preprocessor = Noise()
    hook.before_train(run)
    seen = []
    run.model.data_preprocessor.register_forward_hook(lambda module, given, made: seen.append(made["inputs"]))
    run.step(1.0)
    held = weakref.ref(seen.pop())
    assert held() is None
    with pytest.raises(TrainingError, match="loss=nan"):
        run.step(math.nan, gradient=math.nan)
    (dumped,) = read_checkpoint(tmp_path / "nonfinite_iter_2.pth", allow_nonfinite=True)["inputs"]
    assert torch.equal(dumped, seen[0])
    hook.after_train(run)
    run.model.data_preprocessor(dict(inputs=torch.zeros(2, 3)), True)
    assert hook.seen == {}


def test_samples_of_a_scene_are_named_by_their_place():
    pixels = torch.arange(4)
    assert sample_names(dict(row=pixels, column=pixels + 1), 4, "Somewhere")[2] == "row 2, column 3 of Somewhere"
