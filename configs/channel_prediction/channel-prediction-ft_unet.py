# The pretrained network stays as it is; its last layer is a discriminant analysis of the training pixels.
_base_ = "./unet.py"
pretrained_on = "{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}".partition("_")[0]
checkpoint = f"work_dirs/channel-prediction_unet_{pretrained_on}/iter_1000.pth"
model = dict(
    frozen=True,
    backbone=dict(init_cfg=dict(type="Pretrained", checkpoint=checkpoint, prefix="backbone.")),
    neck=dict(init_cfg=dict(type="Pretrained", checkpoint=checkpoint, prefix="neck.")),
)
custom_hooks = [*_base_.custom_hooks, dict(type="FitDiscriminantHook")]
train_dataloader = dict(
    sampler=dict(type="SeededSampler", shuffle=False), dataset=dict(pipeline=[dict(type="PackTile")])
)
train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=1)
optim_wrapper = dict(_delete_=True, type="OptimWrapper", constructor="NoOptimWrapperConstructor")
param_scheduler = []
default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))
log_processor = dict(by_epoch=True)
