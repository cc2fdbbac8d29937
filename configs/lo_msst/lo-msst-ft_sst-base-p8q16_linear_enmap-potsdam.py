_base_ = [
    "../_base_/models/linear_lo-msst_sst-base.py",
    "../_base_/datasets/enmap-potsdam.py",
    "../_base_/schedules/adamw_finetune_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(
        patch_size=8,
        bands_per_block=16,
        init_cfg=dict(checkpoint="work_dirs/lo-msst_sst-base-p8_enmap-potsdam/epoch_200.pth"),
    ),
    decode_head=dict(patch_size=8),
)
train_cfg = dict(val_interval=50)
default_hooks = dict(logger=dict(interval=2))
auto_scale_lr = dict(base_batch_size=7)
find_unused_parameters = True  # layers that pretraining may have pruned have no gradients
