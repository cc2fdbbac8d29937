_base_ = ["../_base_/models/unet_c32.py", "../segmentation/_base_/enmap-potsdam.py"]
model = dict(
    data_preprocessor=dict(num_bands=_base_.num_bands, augments=_base_.augments),
    backbone=dict(in_channels=_base_.num_bands),
    decode_head=dict(num_classes=_base_.num_classes),
)
