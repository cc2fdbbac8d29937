_base_ = [
    "../_base_/models/pixel_ss-mae-vit-tiny.py",
    "../_base_/datasets/houston2018-crop_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=48, second_bands=3, second="texture"),
    backbone=dict(
        in_channels=54,
        second_bands=6,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/ss-mae-mrs_vit-tiny-w7_houston2018-crop/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
    head=dict(num_classes=10),
)
train_dataloader = dict(dataset=dict(window=7, use_second=True))
test_dataloader = dict(dataset=dict(window=7, use_second=True))
# One learning rate: half of the features are new.
optim_wrapper = dict(paramwise_cfg=None)
