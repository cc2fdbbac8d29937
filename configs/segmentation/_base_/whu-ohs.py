# For mmseg's models.
_base_ = [
    "../../_base_/datasets/whu-ohs.py",
    "../../_base_/schedules/adamw_poly_100e.py",
    "../../_base_/default_runtime.py",
]
augments = []
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
