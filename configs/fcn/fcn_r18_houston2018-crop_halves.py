_base_ = ["../_base_/models/fcn_r18.py", "../segmentation/_base_/houston2018-crop_halves.py"]
model = dict(
    data_preprocessor=dict(num_bands=_base_.num_bands, augments=_base_.augments),
    backbone=dict(in_channels=_base_.num_bands),
    decode_head=dict(num_classes=_base_.num_classes),
)
