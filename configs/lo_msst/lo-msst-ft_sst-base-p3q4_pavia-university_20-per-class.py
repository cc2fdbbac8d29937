_base_ = [
    "../_base_/models/pixel_lo-msst_sst-base.py",
    "../_base_/datasets/pavia-university_20-per-class.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=103),
    backbone=dict(
        in_channels=103,
        patch_size=3,
        bands_per_block=4,
        init_cfg=dict(checkpoint="work_dirs/lo-msst_sst-base-p3q4_pavia-university/epoch_20.pth"),
    ),
    head=dict(num_classes=9),
)
