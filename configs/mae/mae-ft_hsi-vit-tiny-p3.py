_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(
        patch_size=3,
        init_cfg=dict(
            type="Pretrained",
            checkpoint=f"work_dirs/mae_hsi-vit-tiny-p3_{pretrained_on}/epoch_20.pth",
            prefix="backbone.",
        ),
    ),
)
