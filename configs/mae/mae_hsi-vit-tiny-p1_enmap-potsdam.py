_base_ = [
    "../_base_/models/mae_hsi-vit-tiny_tiles.py",
    "../_base_/datasets/enmap-potsdam_pretrain.py",
    "../_base_/datasets/enmap-potsdam_reconstruction.py",
    "../_base_/schedules/adamw_pretrain_200e.py",
    "../_base_/pretrain_runtime.py",
]
# At 30 m a pixel is a building: patches of 1 pixel keep what larger ones would mix.
model = dict(backbone=dict(patch_size=1))
train_cfg = dict(val_interval=20)
default_hooks = dict(logger=dict(interval=2), reconstruction=dict(interval=50))
