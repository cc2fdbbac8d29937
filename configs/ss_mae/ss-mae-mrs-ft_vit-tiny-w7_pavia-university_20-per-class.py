_base_ = [
    "../_base_/models/pixel_ss-mae-vit-tiny.py",
    "../_base_/datasets/pavia-university_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=103),
    backbone=dict(
        in_channels=103,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/ss-mae-mrs_vit-tiny-w7_pavia-university/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
    head=dict(num_classes=9, in_channels=512),
)
train_dataloader = dict(dataset=dict(window=7))
test_dataloader = dict(dataset=dict(window=7))
# One learning rate: half of the features are new.
optim_wrapper = dict(paramwise_cfg=None)
