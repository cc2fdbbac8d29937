_base_ = [
    "../../_base_/datasets/spectral-earth_pretrain.py",
    "../../_base_/schedules/adamw_pretrain_20e.py",
    "../../_base_/default_runtime.py",
]
