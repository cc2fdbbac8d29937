_base_ = ["./_base_/hsi-vit-tiny-p2.py", "./_base_/heads_hsi-vit.py", "./_base_/enmap-potsdam.py"]
model = dict(
    data_preprocessor=dict(num_bands=_base_.num_bands),
    backbone=dict(in_channels=_base_.num_bands),
    decode_head=dict(num_classes=_base_.num_classes),
)
