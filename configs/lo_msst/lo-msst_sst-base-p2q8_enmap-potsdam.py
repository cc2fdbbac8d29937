_base_ = [
    "../_base_/models/lo-msst_sst-base_tiles.py",
    "../_base_/datasets/enmap-potsdam_pretrain.py",
    "../_base_/schedules/adamw_pretrain_200e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(patch_size=2, bands_per_block=8))
default_hooks = dict(logger=dict(interval=2))
