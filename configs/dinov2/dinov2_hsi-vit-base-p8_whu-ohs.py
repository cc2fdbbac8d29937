# The dissertation's: batch 128, 100 epochs.
_base_ = ["../_base_/models/dinov2_hsi-vit-base.py", "./_base_/whu-ohs.py", "./_base_/runtime_100e.py"]
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
