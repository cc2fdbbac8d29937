# Fill in: num_bands (and second_bands), in_channels of both together, num_classes; head.in_channels 1280 with one source.
_base_ = "./pixel_hsi-vit-tiny.py"
model = dict(
    backbone=dict(_delete_=True, type="SSMAEFusion", arch="base", window=7),
    head=dict(in_channels=1408),
)
