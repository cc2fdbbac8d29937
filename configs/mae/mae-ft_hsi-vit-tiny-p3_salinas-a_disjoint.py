_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/salinas-a_disjoint.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=204),
    backbone=dict(
        in_channels=204,
        img_size=9,
        patch_size=3,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/mae_hsi-vit-tiny-p3_salinas-a/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
    head=dict(num_classes=6),
)
