_base_ = [
    "../_base_/models/mae_hsi-vit-base_tiles.py",
    "../_base_/datasets/whu-ohs_pretrain.py",
    "../_base_/datasets/whu-ohs_reconstruction.py",
    "../_base_/schedules/adamw_pretrain_100e.py",
    "../_base_/pretrain_runtime.py",
]
model = dict(backbone=dict(patch_size=8))
train_cfg = dict(val_interval=10)
optim_wrapper = dict(paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0))  # as MAE's public code
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
