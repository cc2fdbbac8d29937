# The dissertation's: batch 64, 100 epochs.
_base_ = ["../_base_/models/dinov2_spatial-spectral-vit-base.py", "./_base_/whu-ohs.py", "./_base_/runtime_100e.py"]
train_dataloader = dict(batch_size=64)
optim_wrapper = dict(optimizer=dict(lr=4e-3 * (64 / 1024) ** 0.5))
auto_scale_lr = dict(base_batch_size=64)
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
