# What channel-prediction-ft_cnn2d trains, from scratch.
_base_ = [
    "../_base_/models/pixel_cnn2d.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}.py",
    "../_base_/default_runtime.py",
]
seen = ["spectra", "finer"] if "-rgb" in "{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}" else ["spectra"]
data = dict(transforms=[dict(type="SceneChannels", groups=seen)])
model = dict(tta=False, data_preprocessor=dict(clip=10.0), backbone=dict(embed_dims=64, groups=4))
train_dataloader = dict(batch_size=64, sampler=dict(type="SeededInfiniteSampler"), dataset=data)
test_dataloader = dict(batch_size=1024, dataset=data)
# Steps, not epochs: 50 training pixels are learnt from as long as 200.
train_cfg = dict(by_epoch=False, max_iters=200)
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="AdamW", lr=2e-3, weight_decay=0.05), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=20),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=20, end=200),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=200))
log_processor = dict(by_epoch=False)
auto_scale_lr = dict(base_batch_size=64)
