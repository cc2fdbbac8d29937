_base_ = [
    "../_base_/models/pixel_maest.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
model = dict(
    backbone=dict(
        init_cfg=dict(
            type="Pretrained", checkpoint=f"work_dirs/maest_{pretrained_on}/epoch_20.pth", prefix="backbone."
        ),
    ),
)
