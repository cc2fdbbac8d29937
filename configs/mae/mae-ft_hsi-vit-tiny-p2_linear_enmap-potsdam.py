_base_ = [
    "../_base_/models/linear_hsi-vit-tiny.py",
    "../_base_/datasets/enmap-potsdam.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(
        num_bands=218, augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
    ),
    backbone=dict(
        in_channels=218,
        img_size=32,
        patch_size=2,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/mae_hsi-vit-tiny-p2_enmap-potsdam/epoch_400.pth",
            prefix="backbone.",
        ),
    ),
    decode_head=dict(num_classes=6),
)
train_cfg = dict(val_interval=20)
default_hooks = dict(logger=dict(interval=2))
