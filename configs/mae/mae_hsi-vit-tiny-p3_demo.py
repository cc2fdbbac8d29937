_base_ = [
    "../_base_/models/mae_hsi-vit-tiny.py",
    "../_base_/datasets/demo_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(patch_size=3))
# Short, for a demonstration.
train_cfg = dict(max_epochs=8)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=1, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=1, end=8, convert_to_iter_based=True),
]
