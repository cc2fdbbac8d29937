_base_ = [
    "../_base_/models/lo-msst_sst-base_tiles.py",
    "../_base_/datasets/abu_pretrain.py",
    "../_base_/schedules/adamw_pretrain_200e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(patch_size=4, bands_per_block=5))
auto_scale_lr = dict(base_batch_size=64)
