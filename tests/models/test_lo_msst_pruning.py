"""Pruning while LO-MSST pretrains, and what becomes of the encoder afterwards."""

import torch
from mmengine.runner import Runner

from mmhsi.engine.hooks.layer_pruning import LayerPruningHook
from mmhsi.models.backbones.sst import SST
from mmhsi.models.pruning import prunable_stages, prune
from mmhsi.models.selfsup.lo_msst import LOMSST
from mmhsi.models.weights import transfer_weights

SMALL = dict(embed_dims=24, spatial_layers=2, spectral_layers=2, num_heads=2, head_dims=8, feedforward_channels=32)


def lo_msst():
    torch.manual_seed(0)
    return LOMSST(
        backbone=dict(type="SST", arch=SMALL, in_channels=8, patch_size=2, bands_per_block=2),
        data_preprocessor=dict(type="TilePreprocessor", num_bands=8),
    )


def test_pruned_layers_equal_zeroed_ones():
    skipped, zeroed = lo_msst().eval(), lo_msst().eval()
    chosen = prune(skipped, 2)
    for name, indices in chosen.items():
        for index in indices:
            for parameter in zeroed.backbone.prunable_stages()[name][index].parameters():
                parameter.data.zero_()
    x, predictions = torch.randn(2, 8, 8, 8), []
    for model in (skipped, zeroed, lo_msst().eval()):
        torch.manual_seed(1)
        predictions.append(model.predict_patches(x)[2])
    assert torch.allclose(predictions[0], predictions[1], atol=1e-6)
    assert not torch.allclose(predictions[0], predictions[2], atol=1e-3)


class Cubes(torch.utils.data.Dataset):
    """Six fixed cubes."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        cube = torch.randn(8, 8, 8, generator=torch.Generator().manual_seed(index))
        return dict(inputs=cube, valid=torch.ones(8, 8, dtype=torch.bool))


def test_layers_are_pruned_during_pretraining(tmp_path):
    model = lo_msst()
    model.data_preprocessor.fit(torch.zeros(8), torch.ones(8))
    calls = []  # (epoch, stage, layer)
    runner = Runner(
        model=model,
        work_dir=str(tmp_path),
        train_dataloader=dict(batch_size=3, dataset=Cubes(), sampler=dict(type="DefaultSampler", shuffle=True)),
        train_cfg=dict(by_epoch=True, max_epochs=4),
        optim_wrapper=dict(optimizer=dict(type="AdamW", lr=0.01, weight_decay=0.5)),
        default_hooks=dict(checkpoint=dict(type="CheckpointHook", interval=1)),
        custom_hooks=[LayerPruningHook(num_layers=2, interval=2)],
        default_scope="mmhsi",
        experiment_name="lo_msst_pruning",
    )
    for name, stage in model.backbone.prunable_stages().items():
        for index, layer in enumerate(stage):
            layer.register_forward_pre_hook(lambda *_, at=(name, index): calls.append((runner.epoch, *at)))
    runner.train()
    pruned = {(name, i) for name, stage in prunable_stages(runner.model).items() for i in stage.pruned_indices}
    everything = {(name, index) for name in ("spatial", "spectral") for index in range(2)}
    ran = [{call[1:] for call in calls if call[0] == epoch} for epoch in range(4)]
    assert len(pruned) == 2
    assert ran == [everything, everything, everything - pruned, everything - pruned]

    states = [torch.load(tmp_path / f"epoch_{epoch}.pth", weights_only=False)["state_dict"] for epoch in (2, 4)]
    for name, index in everything:
        for key in (f"backbone.{name}_layers.{index}.mlp.0.weight", f"backbone.{name}_layers.{index}.norm1.weight"):
            assert torch.equal(states[0][key], states[1][key]) == ((name, index) in pruned)
    # A backbone for fine-tuning takes the weights over, and which layers are pruned.
    backbone = SST(in_channels=8, arch=SMALL, patch_size=2, bands_per_block=2)
    transfer_weights(backbone, tmp_path / "epoch_4.pth", prefix="backbone.")
    x = torch.randn(1, 8, 8, 8)
    assert torch.equal(backbone.eval()(x)[0], model.eval()(x)[0])
