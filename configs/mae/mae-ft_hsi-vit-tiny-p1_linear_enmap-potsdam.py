_base_ = [
    "../_base_/models/linear_hsi-vit-tiny.py",
    "../_base_/datasets/enmap-potsdam.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(
        patch_size=1,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/mae_hsi-vit-tiny-p1_enmap-potsdam/epoch_200.pth",
            prefix="backbone.",
        ),
    ),
)
optim_wrapper = dict(paramwise_cfg=dict(custom_keys={"backbone": dict(lr_mult=0.5)}))
train_cfg = dict(max_epochs=200, val_interval=50)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=10, end=200, convert_to_iter_based=True),
]
default_hooks = dict(logger=dict(interval=2))
auto_scale_lr = dict(base_batch_size=7)
