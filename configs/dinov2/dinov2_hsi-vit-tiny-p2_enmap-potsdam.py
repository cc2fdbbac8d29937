_base_ = ["../_base_/models/dinov2_hsi-vit-tiny.py", "./_base_/enmap-potsdam.py", "./_base_/runtime_small.py"]
model = dict(data_preprocessor=dict(num_bands=218), backbone=dict(in_channels=218, img_size=12, patch_size=2))
auto_scale_lr = dict(base_batch_size=32)
