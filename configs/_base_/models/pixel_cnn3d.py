# Fill in: num_bands, in_channels and num_classes.
_base_ = "./pixel_hsi-vit-tiny.py"
model = dict(backbone=dict(_delete_=True, type="CNN3D"))
