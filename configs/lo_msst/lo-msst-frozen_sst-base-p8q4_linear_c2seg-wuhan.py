# Phase 1 of the paper: 200 epochs of the head alone. Give another checkpoint for tubes or pruned layers.
_base_ = [
    "../_base_/models/linear_lo-msst_sst-base.py",
    "../_base_/datasets/c2seg-wuhan.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    frozen=True,
    backbone=dict(
        patch_size=8,
        bands_per_block=4,
        norm_before=True,
        init_cfg=dict(checkpoint="work_dirs/lo-msst_sst-base-p8_c2seg-wuhan/epoch_100.pth"),
    ),
    decode_head=dict(patch_size=8),
)
train_cfg = dict(max_epochs=200, val_interval=20)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=10, end=200, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=8)
