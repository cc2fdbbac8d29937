# 36 windows of the left half, 4 at a time: 360 steps.
_base_ = [
    "../../_base_/datasets/houston2018-crop_halves.py",
    "../../_base_/schedules/adamw_scratch_40e.py",
    "../../_base_/default_runtime.py",
]
bands_per_block = 8  # of SST
augments = [dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
train_dataloader = dict(batch_size=4)
auto_scale_lr = dict(base_batch_size=4)
default_hooks = dict(logger=dict(interval=9))
