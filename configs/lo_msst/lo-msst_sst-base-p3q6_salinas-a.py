_base_ = [
    "../_base_/models/lo-msst_sst-base.py",
    "../_base_/datasets/salinas-a_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=204),
    backbone=dict(in_channels=204, patch_size=3, bands_per_block=6),
)
