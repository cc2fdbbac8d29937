# 14 training tiles, 200 steps.
_base_ = [
    "../../_base_/datasets/enmap-potsdam.py",
    "../../_base_/schedules/adamw_scratch_100e.py",
    "../../_base_/default_runtime.py",
]
num_bands, num_classes = 218, 6
default_hooks = dict(logger=dict(interval=2))
train_cfg = dict(val_interval=50)
