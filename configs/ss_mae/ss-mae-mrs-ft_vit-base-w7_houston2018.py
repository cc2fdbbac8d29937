_base_ = [
    "../_base_/models/pixel_ss-mae-vit-base.py",
    "../_base_/datasets/houston2018.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=48, second_bands=1),
    backbone=dict(
        in_channels=49,
        second_bands=1,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/ss-mae-mrs_vit-base-w7_houston2018/epoch_300.pth",
            prefix="backbone.",
        ),
    ),
    head=dict(num_classes=20),
)
# One learning rate, the paper's: half of the features are new.
optim_wrapper = dict(optimizer=dict(lr=1e-4), paramwise_cfg=None)
auto_scale_lr = dict(base_batch_size=128)
