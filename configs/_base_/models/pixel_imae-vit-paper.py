# The paper's sizes.
_base_ = ["./pixel_imae-vit-tiny.py"]
model = dict(backbone=dict(arch="paper"), neck=dict(embed_dims=256))
