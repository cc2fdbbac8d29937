_base_ = ["../_base_/models/segformer_mit-b0.py", "../segmentation/_base_/houston2018-crop_halves.py"]
model = dict(
    data_preprocessor=dict(num_bands=_base_.num_bands, augments=_base_.augments),
    # Windows of 24 pixels leave the first map 6, which cannot be reduced by 8 as in larger pictures.
    backbone=dict(in_channels=_base_.num_bands, sr_ratios=[2, 1, 1, 1]),
    decode_head=dict(num_classes=_base_.num_classes),
)
