# StandardizeScene brings every band to zero mean and unit variance over its scene.
_base_ = ["../_base_/models/dinov2_hsi-vit-tiny.py", "./_base_/abu.py", "./_base_/runtime_small.py"]
model = dict(
    data_preprocessor=dict(num_bands=200),
    backbone=dict(in_channels=200, img_size=24, patch_size=4),
)
auto_scale_lr = dict(base_batch_size=64)
