# From windows of bands, and of the finer source's means, to the channels of the centre pixel; no labels.
_base_ = [
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb}}_pretrain.py",
    "../_base_/default_runtime.py",
]
finer = "-rgb" in "{{$MMHSI_DATASET:houston2018-crop-rgb}}"
seen = ["spectra", "finer"] if finer else ["spectra"]
predicted = dict(emp=48, ms=42, nemp=28, texture=42, words=72) if finer else dict(emp=48, ms=42, nemp=28, words=72)
model = dict(
    type="ChannelPrediction",
    targets=sum(predicted.values()),
    data_preprocessor=dict(type="ScenePreprocessor", clip=10.0, augments=[dict(type="BatchDihedral")]),
    backbone=dict(type="CNN2D", embed_dims=64, groups=4),
    neck=dict(type="CenterContext"),
)
train_dataloader = dict(
    batch_size=128,
    sampler=dict(type="SeededInfiniteSampler"),
    dataset=dict(window=9, transforms=[dict(type="SceneChannels", groups=[*seen, *predicted])]),
)
# Steps, not epochs: one batch is one step, whatever the scene's size.
train_cfg = dict(by_epoch=False, max_iters=400)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=2e-3, weight_decay=0.05))
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=50),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=50, end=400),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=100))
custom_hooks = [*_base_.custom_hooks, dict(type="FitClustersHook")]
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=128)
