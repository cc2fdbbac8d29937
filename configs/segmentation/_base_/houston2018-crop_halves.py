# 36 windows of the left half, 4 at a time: 360 steps.
_base_ = [
    "../../_base_/datasets/houston2018-crop_halves.py",
    "../../_base_/schedules/adamw_scratch_40e.py",
    "../../_base_/default_runtime.py",
]
num_bands, num_classes = 48, 9
train_dataloader = dict(batch_size=4)
default_hooks = dict(logger=dict(interval=9))
