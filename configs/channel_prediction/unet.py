# The whole scene a step, from scratch.
_base_ = [
    "../_base_/models/unet_channels.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}.py",
    "../_base_/default_runtime.py",
]
data = {key: value for key, value in _base_.train_dataloader.dataset.items() if key not in ("window", "subset")}
data.update(type="WholeSceneDataset", transforms=[dict(type="SceneChannels", groups=_base_.seen)])
train_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="SeededInfiniteSampler"),
    dataset=dict(subset="train", pipeline=[dict(type="RandomDihedral"), dict(type="PackTile")], **data),
)
test_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", pipeline=[dict(type="PackTile")], **data),
)
# Steps, not epochs: one step is the whole scene.
train_cfg = dict(by_epoch=False, max_iters=200)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=2e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=20, end=200),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=200))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=1)
