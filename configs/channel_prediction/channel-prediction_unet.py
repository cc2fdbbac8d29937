# From bands, and what is in a pixel of the finer source, to the channels of the surroundings; no labels.
_base_ = [
    "../_base_/models/unet_channels.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb}}_pretrain.py",
    "../_base_/default_runtime.py",
]
data = {key: value for key, value in _base_.train_dataloader.dataset.items() if key != "window"}
data.update(
    type="WholeSceneDataset",
    transforms=[dict(type="SceneChannels", groups=_base_.seen)],
    targets=[dict(type="SceneChannels", groups=_base_.predicted)],
)
model = dict(
    _delete_=True,
    type="ChannelPrediction",
    data_preprocessor=_base_.model.data_preprocessor,
    backbone=_base_.model.backbone,
    neck=_base_.model.neck,
)
train_dataloader = dict(
    _delete_=True,
    batch_size=1,
    num_workers=0,
    sampler=dict(type="SeededInfiniteSampler"),
    dataset=dict(pipeline=[dict(type="RandomDihedral"), dict(type="PackTile")], **data),
)
# Steps, not epochs: one step is the whole scene.
train_cfg = dict(by_epoch=False, max_iters=1000)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=3e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50, end=1000),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=250))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=1)
