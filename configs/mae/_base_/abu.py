_base_ = [
    "../../_base_/datasets/abu_pretrain.py",
    "../../_base_/datasets/abu_reconstruction.py",
    "../../_base_/schedules/adamw_pretrain_200e.py",
    "../../_base_/pretrain_runtime.py",
]
train_cfg = dict(val_interval=20)
default_hooks = dict(logger=dict(interval=7), reconstruction=dict(interval=50))
auto_scale_lr = dict(base_batch_size=64)
