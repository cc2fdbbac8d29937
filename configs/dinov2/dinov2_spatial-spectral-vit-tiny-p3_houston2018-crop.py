_base_ = [
    "../_base_/models/dinov2_spatial-spectral-vit-tiny.py",
    "./_base_/houston2018-crop.py",
    "./_base_/runtime_small.py",
]
model = dict(backbone=dict(img_size=18, patch_size=3, spectral_patch_size=3, spectral_grid=3))
auto_scale_lr = dict(base_batch_size=32)
