# The paper's sizes. Fill in: num_bands, in_channels and num_classes.
_base_ = ["./pixel_imae-vit-tiny.py"]
model = dict(backbone=dict(arch="paper"), neck=dict(embed_dims=256), head=dict(in_channels=256))
