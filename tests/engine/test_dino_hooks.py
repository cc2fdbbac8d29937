"""Hooks and optimiser groups of self-distillation, in runs of mmengine's Runner."""

import math
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner

from mmhsi.engine.hooks.collapse_guard import CollapseGuardHook
from mmhsi.engine.hooks.dino_schedule import DINOScheduleHook
from mmhsi.engine.layer_decay_optim import LayerDecayOptimWrapperConstructor
from mmhsi.errors import ConfigError
from mmhsi.models.weights import read_checkpoint
from mmhsi.registry import MODELS

pytestmark = pytest.mark.usefixtures("scope")

EPOCH = 3
"""Steps of an epoch of 12 windows in batches of 4."""
GROUPS = dict(patch_embed_lr_mult=0.2, norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0)


def dinov2(layers, backbone, **options):
    """Config of a small model of 4 bands."""
    arch = dict(embed_dims=8, num_layers=layers, num_heads=2, feedforward_channels=16)
    return dict(
        type="DINOv2",
        backbone=dict(in_channels=4, arch=arch, img_size=8, patch_size=2, **backbone),
        head=dict(type="DINOHead", num_prototypes=8, hidden_channels=8, bottleneck_channels=4),
        data_preprocessor=dict(type="ViewPreprocessor", num_bands=4),
        **options,
    )


def config(folder, epochs=2, centring="sinkhorn_knopp", **hook):
    if not (folder / "cube.npy").exists():
        np.save(folder / "cube.npy", np.random.default_rng(0).normal(100, 20, (24, 32, 4)).astype(np.float32))

    def views(size, scale):
        return [dict(type="RandomResizedCrop", size=size, scale=scale), dict(type="BandJitter")]

    vit = dict(type="HSIViT", drop_path_rate=0.2, pos_embed="learned", with_mask_token=True)
    crops = dict(type="MultiView", transforms=[views(8, (0.4, 1.0)), views(4, (0.1, 0.4))], num_views=[2, 2])
    pipeline = [dict(type="LoadCube"), crops, dict(type="PackViews")]
    tiles = dict(scene=dict(image="cube.npy"), data_root=str(folder), window=8, with_labels=False)
    steps = dict(by_epoch=True, convert_to_iter_based=True)
    return Config(
        dict(
            default_scope="mmhsi",
            work_dir=str(folder / "work"),
            model=dinov2(2, vit, centring=centring),
            train_dataloader=dict(
                batch_size=4,
                num_workers=0,
                sampler=dict(type="SeededSampler", shuffle=True),
                dataset=dict(type="TileDataset", pipeline=pipeline, **tiles),
            ),
            train_cfg=dict(by_epoch=True, max_epochs=epochs),
            optim_wrapper=dict(
                type="OptimWrapper",
                constructor="LayerDecayOptimWrapperConstructor",
                optimizer=dict(type="AdamW", lr=1e-2, weight_decay=0.04, fused=True),
                clip_grad=dict(max_norm=3.0),
                paramwise_cfg=dict(GROUPS, layer_decay_rate=0.5),
            ),
            param_scheduler=[
                dict(type="LinearLR", start_factor=0.1, begin=0, end=1, **steps),
                dict(type="CosineAnnealingLR", eta_min_ratio=0.01, begin=1, end=epochs, **steps),
                dict(type="CosineAnnealingParamScheduler", param_name="weight_decay", eta_min_ratio=10, begin=0,
                     end=epochs, **steps),
            ],
            default_hooks=dict(checkpoint=dict(type="CheckpointHook", interval=1), logger=dict(type="LoggerHook")),
            custom_hooks=[
                dict(type="FitPreprocessorHook"),
                dict(type="SeedIterationHook"),
                dict(type="DINOScheduleHook", **dict(dict(warmup_epochs=1, momentum=(0.8, 1.0)), **hook)),
                dict(type="CollapseGuardHook", interval=1, begin=0),
            ],
            randomness=dict(seed=3),
        )
    )  # fmt: skip


def runner_of(cfg, name):
    return Runner.from_cfg(Config(dict(cfg._cfg_dict, experiment_name=name)))


@pytest.mark.parametrize(("iteration", "temperature"), [(0, 0.04), (10, 0.05), (29, 0.069), (30, 0.07), (500, 0.07)])
def test_temperature_rises_linearly(iteration, temperature):
    assert DINOScheduleHook(warmup_epochs=3).temperature_at(iteration, 10) == pytest.approx(temperature)


def test_momentum_follows_a_cosine():
    hook = DINOScheduleHook(momentum=(0.9, 1.0))
    values = [hook.momentum_at(iteration, 100) for iteration in range(100)]
    assert values[0] == pytest.approx(0.9)
    assert values[50] == pytest.approx(0.95)
    assert values[25] == pytest.approx(1 - 0.1 * (1 + math.cos(math.pi / 4)) / 2)
    assert values == sorted(values)
    assert hook.momentum_at(100, 100) == 1.0


def parameters(branch):
    return {key: value.detach().clone() for key, value in branch.named_parameters()}


class Watch(Hook):
    """What every step finds, and what it leaves."""

    priority = "LOWEST"  # after DINOScheduleHook

    def __init__(self):
        self.seen = []

    def before_train_iter(self, runner, *_, **__):
        groups = runner.optim_wrapper.param_groups
        self.seen.append(
            dict(
                temperature=runner.model.teacher_temperature,
                decay={group["weight_decay"] for group in groups},
                resting=[group["lr"] == 0 for group in groups if group.get("last_layer")],
                moving=[group["lr"] > 0 for group in groups if not group.get("last_layer")],
                student=parameters(runner.model.student),
                teacher=parameters(runner.model.teacher),
            )
        )

    def after_train_iter(self, runner, *_, **__):
        model = runner.model
        self.seen[-1].update(new_student=parameters(model.student), new_teacher=parameters(model.teacher))


def test_a_run_follows_every_schedule(tmp_path):
    runner = runner_of(config(tmp_path, epochs=3, freeze_last_layer_epochs=1), "schedules")
    watch = Watch()
    runner.register_hook(watch)
    runner.train()
    seen = watch.seen
    assert len(seen) == 3 * EPOCH
    for step, found in enumerate(seen):
        assert found["temperature"] == pytest.approx(0.04 + 0.03 * min(step / EPOCH, 1))
        assert all(found["resting"]) == (step < EPOCH)
        assert all(found["moving"])
        decay = 0.4 - 0.36 * (1 + math.cos(math.pi * step / (3 * EPOCH))) / 2
        assert sorted(found["decay"]) == pytest.approx([0.0, decay])
        momentum = 1 - 0.2 * (1 + math.cos(math.pi * step / (3 * EPOCH))) / 2
        for key, old in found["teacher"].items():
            wanted = momentum * old + (1 - momentum) * found["new_student"][key]
            assert torch.allclose(found["new_teacher"][key], wanted, atol=1e-6), key
        for key, old in found["student"].items():
            same = torch.equal(old, found["new_student"][key])
            assert same == (step < EPOCH and "last_layer" in key), key
    # Learning rates are as if the hook had never touched them.
    rates = {group["lr"] / group["lr_scale"] for group in runner.optim_wrapper.optimizer.param_groups}
    assert max(rates) == pytest.approx(min(rates))


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path):
    """With the running mean of its centring too; the other centring keeps none."""
    cfg = config(tmp_path, epochs=3, centring="softmax", freeze_last_layer_epochs=2, warmup_epochs=3)
    runner_of(cfg, "whole").train()
    wanted = read_checkpoint(tmp_path / "work/epoch_3.pth")["state_dict"]
    cfg.merge_from_dict(dict(resume=True, load_from=str(tmp_path / "work/epoch_1.pth"), work_dir=str(tmp_path / "two")))
    runner_of(cfg, "resumed").train()
    found = read_checkpoint(tmp_path / "two/epoch_3.pth")["state_dict"]
    assert wanted.keys() == found.keys()
    for key, value in wanted.items():
        assert torch.equal(value, found[key]), key


def test_accumulated_steps_move_the_teacher_once(tmp_path):
    cfg = config(tmp_path)
    cfg.optim_wrapper.accumulative_counts = 3
    runner = runner_of(cfg, "accumulated")
    moves = []
    runner.model.update_teacher = moves.append
    runner.train()
    assert len(moves) == 2 * EPOCH // 3


# Optimiser groups.


@pytest.mark.parametrize("backbone", ["HSIViT", "SpatialSpectralViT"])
def test_every_parameter_has_its_rate_and_decay(backbone):
    options = dict(with_mask_token=True) if backbone == "HSIViT" else dict(spectral_grid=2)
    model = MODELS.build(dinov2(3, dict(type=backbone, **options)))
    wrapper = build_optim_wrapper(
        model,
        dict(
            constructor=LayerDecayOptimWrapperConstructor.__name__,
            optimizer=dict(type="AdamW", lr=1.0, weight_decay=0.04, fused=True),
            paramwise_cfg=dict(GROUPS, layer_decay_rate=0.9),
        ),
    )
    groups = {id(p): group for group in wrapper.optimizer.param_groups for p in group["params"]}
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    assert len(trained) == len(groups) == sum(len(group["params"]) for group in wrapper.optimizer.param_groups)
    assert len(wrapper.optimizer.param_groups) < 16
    for name, p in trained:
        group, parts = groups[id(p)], name.split(".")
        assert parts[0] == "student"
        if parts[1] != "backbone" or parts[2] in ("norm", "spatial_norm", "spectral_norm"):
            rate = 1.0
        elif parts[2] in ("layers", "spatial_layers", "spectral_layers", "fusions"):
            rate = 0.9 ** (3 - int(parts[3]))
        else:
            rate = 0.9**4 * (0.2 if parts[2] in ("patch_embed", "spectral_embed") else 1.0)
        assert group["lr"] == pytest.approx(rate), name
        flat = p.ndim == 1 or parts[-1] == "bias"
        assert group["weight_decay"] == (0 if flat else 0.04), name
        assert group.get("last_layer", False) == ("last_layer" in name), name


# Warnings.


def watch(values, name="train/token_feature_std", **options):
    """Lines that a guard writes when a measure takes these values, one a step."""
    runner = SimpleNamespace(message_hub=MessageHub("guard"), logger=Mock())
    hook = CollapseGuardHook(**dict(dict(interval=1, begin=2), **options))
    for runner.iter, value in enumerate(values):
        runner.message_hub.update_scalar(name, value)
        hook.after_train_iter(runner, runner.iter)
    return [(level, line) for level, (line,), _ in runner.logger.method_calls]


def test_a_fall_is_reported_once_and_so_is_the_recovery():
    lines = watch([0.01, 0.01, 0.5, 0.9, 0.2, 0.1, 0.3, 0.2])
    assert [level for level, _ in lines] == ["warning", "info", "warning"]
    assert "token_feature_std fell to 0.2, below 0.27 (highest 0.9)" in lines[0][1]
    assert "token_feature_std is back at 0.3" in lines[1][1]


def test_a_measure_that_never_rose_is_reported_after_begin():
    assert [level for level, _ in watch([0.01, 0.02, 0.02, 0.01])] == ["warning"]
    assert watch([0.01, 0.02]) == []


def test_floors_and_drop_can_be_set():
    assert watch([0.5, 0.5, 0.5], floors=dict(feature_std=0.6))
    assert not watch([0.9, 0.9, 0.2], drop=0.2)
    assert not watch([0.0, 0.0, 0.0, 0.0], name="train/entropy")  # which says nothing by itself


def test_the_mean_over_the_interval_counts():
    lines = watch([0.9, 0.9, 0.9, 0.0, 0.9, 0.9, 0.0, 0.0, 0.0], interval=3)
    assert len(lines) == 1


@pytest.mark.parametrize(("temperature", "entropy"), [(0.04, 0.0), (0.2, 1.0)])
def test_a_run_without_centring_collapses_and_is_reported(tmp_path, temperature, entropy):
    """A centre that never moves: all images come to have one prototype, or all, as the temperature says."""
    cfg = config(
        tmp_path, epochs=15, centring="softmax", teacher_temperature=(temperature, temperature), momentum=(0.5, 0.5)
    )
    cfg.model.loss_weights = dict(koleo=0.0)
    cfg.default_hooks.checkpoint.interval = 100
    cfg.custom_hooks[-1].update(interval=5, begin=20)
    runner = runner_of(cfg, f"collapse{temperature}")
    for centring in runner.model.centring.values():
        centring.momentum = 1.0
    runner.train()
    text = next((tmp_path / "work").rglob("*.log")).read_text()
    for measure in ("information", "token_information"):
        assert f"The teacher may be collapsing: {measure} fell to" in text
        assert runner.message_hub.get_info("collapse_guard_peaks")[f"train/{measure}"] > 0.03
    assert runner.message_hub.get_scalar("train/entropy").current() == pytest.approx(entropy, abs=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DINOScheduleHook(teacher_temperature=(0.0, 0.07)), r"teacher_temperature=\(0.0, 0.07\) given"),
        (lambda: DINOScheduleHook(momentum=(0.9, 1.1)), r"momentum=\(0.9, 1.1\) given"),
        (lambda: DINOScheduleHook(warmup_epochs=-1), "warmup_epochs=-1 given"),
        (lambda: DINOScheduleHook(freeze_last_layer_epochs=-1), "freeze_last_layer_epochs=-1 given"),
        (lambda: CollapseGuardHook(interval=0), "interval=0, begin=500, drop=0.3 given"),
        (lambda: CollapseGuardHook(drop=1.0), "drop=1.0 given"),
        (lambda: CollapseGuardHook(floors=dict(entropy=1)), "floors names 'entropy', expected some of information"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_the_hook_names_what_it_lacks(tmp_path):
    cfg = config(tmp_path)
    del cfg.optim_wrapper["constructor"]
    with pytest.raises(ConfigError, match="constructor='LayerDecayOptimWrapperConstructor'"):
        runner_of(cfg, "groups").train()
    with pytest.raises(ConfigError, match="model is Linear, expected DINOv2"):
        DINOScheduleHook().before_train(SimpleNamespace(model=torch.nn.Linear(1, 1)))
