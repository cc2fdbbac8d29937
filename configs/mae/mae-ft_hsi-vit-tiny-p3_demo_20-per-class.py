_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/demo_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    backbone=dict(
        patch_size=3,
        init_cfg=dict(
            type="Pretrained", checkpoint="work_dirs/mae_hsi-vit-tiny-p3_demo/epoch_8.pth", prefix="backbone."
        ),
    ),
)
