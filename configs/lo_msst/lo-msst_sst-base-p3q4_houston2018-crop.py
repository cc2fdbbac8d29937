_base_ = [
    "../_base_/models/lo-msst_sst-base.py",
    "../_base_/datasets/houston2018-crop_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=48),
    backbone=dict(in_channels=48, patch_size=3, bands_per_block=4),
)
