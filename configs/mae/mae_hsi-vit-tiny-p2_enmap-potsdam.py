_base_ = [
    "../_base_/models/mae_hsi-vit-tiny_tiles.py",
    "../_base_/datasets/enmap-potsdam_pretrain.py",
    "../_base_/schedules/adamw_pretrain_400e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=218),
    backbone=dict(in_channels=218, img_size=32, patch_size=2),
    decoder=dict(in_channels=218, img_size=32, patch_size=2),
)
default_hooks = dict(logger=dict(interval=1))
