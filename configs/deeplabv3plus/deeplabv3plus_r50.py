_base_ = [
    "../_base_/models/deeplabv3plus_r50.py",
    "../_base_/datasets/{{$MMHSI_DATASET:whu-ohs}}.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
