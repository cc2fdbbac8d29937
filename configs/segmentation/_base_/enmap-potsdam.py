# 14 training tiles, 4 at a time: 400 steps.
_base_ = [
    "../../_base_/datasets/enmap-potsdam.py",
    "../../_base_/schedules/adamw_scratch_100e.py",
    "../../_base_/default_runtime.py",
]
bands_per_block = 16  # of SST
augments = [dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
train_dataloader = dict(batch_size=4)
auto_scale_lr = dict(base_batch_size=4)
train_cfg = dict(val_interval=100)
default_hooks = dict(logger=dict(interval=4), maps=dict(type="MapVisualizationHook", num_samples=2))
