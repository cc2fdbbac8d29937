_base_ = [
    "../_base_/models/pixel_imae-vit-tiny.py",
    "../_base_/datasets/houston2018-crop_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=48),
    backbone=dict(
        in_channels=48,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/imae_imae-vit-tiny_houston2018-crop/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
    head=dict(num_classes=10),
)
# One learning rate: after so short a pretraining the encoder still has to learn.
optim_wrapper = dict(paramwise_cfg=None)
