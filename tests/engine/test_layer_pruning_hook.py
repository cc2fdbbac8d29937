"""LayerPruningHook in real runs."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.model import BaseModel
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner
from processes import on_two_ranks
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.nn.parallel import DistributedDataParallel

from mmhsi.engine.hooks.layer_pruning import LayerPruningHook
from mmhsi.errors import ConfigError
from mmhsi.models.backbones.sst import SST
from mmhsi.models.pruning import prunable_stages, prune, restore
from mmhsi.models.weights import read_checkpoint

ARCH = dict(embed_dims=8, spatial_layers=2, spectral_layers=3, num_heads=1, head_dims=4, feedforward_channels=8)


class Model(BaseModel):
    """Draws the last map towards zero."""

    def __init__(self):
        super().__init__()
        self.backbone = SST(in_channels=4, arch=ARCH, patch_size=2, bands_per_block=2)

    def forward(self, inputs, mode="tensor"):
        out = self.backbone(torch.stack(list(inputs)))[0]
        return dict(loss=(out - 1).square().mean()) if mode == "loss" else out


class Data(torch.utils.data.Dataset):
    """Four fixed cubes."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return dict(inputs=torch.randn(4, 4, 4, generator=torch.Generator().manual_seed(index)))


def train(work_dir, epochs=5, load_from=None, resume=False, **hook):
    """A run that saves every epoch."""
    torch.manual_seed(0)
    runner = Runner(
        model=Model(),
        work_dir=str(work_dir),
        train_dataloader=dict(batch_size=2, dataset=Data(), sampler=dict(type="DefaultSampler", shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.05, weight_decay=0.5)),
        default_hooks=dict(checkpoint=dict(type="CheckpointHook", interval=1)),
        custom_hooks=[LayerPruningHook(**{**dict(num_layers=2, interval=2), **hook})],
        load_from=str(load_from) if load_from else None,
        resume=resume,
        randomness=dict(seed=3),
        default_scope="mmhsi",
        experiment_name=re.sub(r"\W+", "_", str(work_dir)),
    )
    runner.train()
    return runner


def pruned(runner):
    return {name: stage.pruned_indices for name, stage in prunable_stages(runner.model).items()}


def state_after(work_dir, epoch):
    return read_checkpoint(work_dir / f"epoch_{epoch}.pth")["state_dict"]


def flags(work_dir, epoch):
    return [flag for key, value in state_after(work_dir, epoch).items() if "pruned" in key for flag in value.tolist()]


def test_it_prunes_every_interval_from_begin_to_end(tmp_path):
    train(tmp_path, epochs=4, num_layers=2, interval=2)
    assert [sum(flags(tmp_path, epoch)) for epoch in (1, 2, 3, 4)] == [0, 0, 2, 2]


def test_the_choice_stays_after_end(tmp_path, monkeypatch):
    times = []
    monkeypatch.setattr(
        "mmhsi.engine.hooks.layer_pruning.prune", lambda model, k: times.append(k) or prune(model, k), raising=True
    )
    train(tmp_path, epochs=6, num_layers=1, interval=1, begin=1, end=4)
    assert times == [1, 1, 1]


def test_pruned_layers_keep_their_originals_through_training(tmp_path):
    runner = train(tmp_path, epochs=4, num_layers=2, interval=2)
    before, after = state_after(tmp_path, 2), state_after(tmp_path, 4)
    chosen = pruned(runner)
    assert sum(map(len, chosen.values())) == 2
    for key, value in after.items():
        if match := re.match(r"backbone\.(\w+)_layers\.(\d+)\.", key):
            frozen = int(match[2]) in chosen[match[1]]
            assert torch.equal(value, before[key]) == frozen, key


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path, epoch):
    whole, again = tmp_path / "whole", tmp_path / "again"
    train(whole, epochs=5, num_layers=3, interval=2)
    train(again, epochs=5, num_layers=3, interval=2, load_from=whole / f"epoch_{epoch}.pth", resume=True)
    one, two = state_after(whole, 5), state_after(again, 5)
    assert sum(flags(again, 5)) == 3
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_the_log_names_layers_and_parameters(tmp_path):
    runner = train(tmp_path, epochs=3, num_layers=2, interval=2)
    text = next(tmp_path.rglob("*.log")).read_text()
    each = 4 * 8 + 8 * 12 + 4 * 8 + 8 + 2 * 64 + 16
    line = re.search(r"Pruned layers: (.*); (\d+) of the model's (\d+) parameters rest; returned: none", text)
    assert line[1] == ", ".join(f"{name} {', '.join(map(str, some))}" for name, some in pruned(runner).items() if some)
    assert int(line[2]) == 2 * each
    assert int(line[3]) == sum(parameter.numel() for parameter in runner.model.parameters())


def test_zero_layers_restore_a_pruned_checkpoint(tmp_path):
    train(tmp_path / "first", epochs=3)
    assert sum(flags(tmp_path / "first", 3)) == 2
    runner = train(
        tmp_path / "second", epochs=1, load_from=tmp_path / "first/epoch_3.pth", num_layers=0, interval=1, begin=0
    )
    assert pruned(runner) == dict(spatial=[], spectral=[])


@pytest.mark.parametrize(
    "options", [dict(num_layers=-1), dict(num_layers=2, interval=0), dict(num_layers=2, begin=3, end=3)]
)
def test_arguments_are_checked(options):
    with pytest.raises(ConfigError, match=r"LayerPruningHook: num_layers="):
        LayerPruningHook(**options)


def fake_runner(model, loop=EpochBasedTrainLoop):
    return SimpleNamespace(model=model, train_loop=loop.__new__(loop))


@pytest.mark.parametrize(
    ("options", "loop", "message"),
    [
        (dict(num_layers=4), EpochBasedTrainLoop, r"num_layers=4 cannot be pruned: of 5 layers"),
        (dict(num_layers=2, module="neck"), EpochBasedTrainLoop, "Model has no module='neck'"),
        (dict(num_layers=2), IterBasedTrainLoop, "train_cfg counts iterations, expected by_epoch=True"),
    ],
)
def test_model_and_loop_are_checked_before_training(options, loop, message):
    with pytest.raises(ConfigError, match=message):
        LayerPruningHook(**options).before_train(fake_runner(Model(), loop))


@pytest.fixture
def process_group(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.excepthook", sys.excepthook)  # which torch replaces
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.usefixtures("process_group")
def test_wrappers_must_allow_layers_without_gradients():
    hook = LayerPruningHook(num_layers=2)
    with pytest.raises(ConfigError, match="set find_unused_parameters=True"):
        hook.before_train(fake_runner(torch.nn.ModuleDict(dict(inner=DistributedDataParallel(Model())))))
    hook.before_train(fake_runner(DistributedDataParallel(Model(), find_unused_parameters=True)))
    sharded = torch.nn.ModuleDict(dict(inner=Model()))
    sharded.shard = FullyShardedDataParallel.__new__(FullyShardedDataParallel)
    torch.nn.Module.__init__(sharded.shard)
    with pytest.raises(ConfigError, match="FSDP gives pruned layers zero gradients"):
        hook.before_train(fake_runner(sharded))


def prune_on_one_rank(rank):
    torch.manual_seed(0)
    model = SST(in_channels=4, arch=ARCH, patch_size=2, bands_per_block=2)
    wrapped = DistributedDataParallel(model, find_unused_parameters=True)
    optimizer = torch.optim.AdamW(wrapped.parameters(), lr=0.05, weight_decay=0.5)
    generator = torch.Generator().manual_seed(rank)

    def step():
        optimizer.zero_grad()
        wrapped(torch.randn(2, 4, 4, 4, generator=generator))[0].sum(1).square().mean().backward()
        optimizer.step()

    step()
    chosen = prune(model, 2)
    frozen = [p for name, stage in model.prunable_stages().items() for i in chosen[name] for p in stage[i].parameters()]
    before = [p.detach().clone() for p in frozen]
    step()
    step()
    assert all(p.grad is None and torch.equal(p, b) for p, b in zip(frozen, before, strict=True))
    restore(model)
    step()
    assert not any(torch.equal(p, b) for p, b in zip(frozen, before, strict=True))
    return torch.cat([p.detach().flatten() for p in model.parameters()]).numpy()


def test_two_processes_stay_equal(tmp_path):
    first, second = on_two_ranks(tmp_path / "store", prune_on_one_rank)
    np.testing.assert_array_equal(first, second)
