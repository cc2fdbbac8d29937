_base_ = [
    "../../_base_/datasets/desis-cdl.py",
    "../../_base_/schedules/adamw_scratch_40e.py",
    "../../_base_/default_runtime.py",
]
augments = [dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)]
auto_scale_lr = dict(base_batch_size=8)
