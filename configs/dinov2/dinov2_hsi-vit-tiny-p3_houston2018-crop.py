_base_ = ["../_base_/models/dinov2_hsi-vit-tiny.py", "./_base_/houston2018-crop.py", "./_base_/runtime_small.py"]
model = dict(data_preprocessor=dict(num_bands=48), backbone=dict(in_channels=48, img_size=18, patch_size=3))
auto_scale_lr = dict(base_batch_size=32)
