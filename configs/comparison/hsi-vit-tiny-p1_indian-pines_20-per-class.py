_base_ = [
    "../_base_/models/pixel_hsi-vit-tiny.py",
    "../_base_/datasets/indian-pines_20-per-class.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=200),
    backbone=dict(in_channels=200, img_size=9, patch_size=1),
    head=dict(num_classes=16),
)
