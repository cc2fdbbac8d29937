_base_ = [
    "../../_base_/datasets/hyspecnet-11k_pretrain.py",
    "../../_base_/schedules/adamw_pretrain_100e.py",
    "../../_base_/default_runtime.py",
]
