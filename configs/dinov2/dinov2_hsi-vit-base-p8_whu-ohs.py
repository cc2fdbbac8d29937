# The dissertation's: batch 128, 100 epochs.
_base_ = ["../_base_/models/dinov2_hsi-vit-base.py", "./_base_/whu-ohs.py", "./_base_/runtime_100e.py"]
