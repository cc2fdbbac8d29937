_base_ = [
    "../_base_/models/pixel_lo-msst_sst-base.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
pretrained_on = "{{$MMHSI_DATASET:salinas-a_20-per-class}}".partition("_")[0]
# As in pretraining.
bands_per_block = {"houston2018-crop": 4, "pavia-university": 4, "indian-pines": 5}.get(pretrained_on, 6)
model = dict(
    backbone=dict(
        patch_size=3,
        bands_per_block=bands_per_block,
        init_cfg=dict(checkpoint=f"work_dirs/lo-msst_sst-base-p3_{pretrained_on}/epoch_20.pth"),
    ),
)
