_base_ = ["./_base_/sst-tiny-p4.py", "./_base_/heads_sst.py", "./_base_/enmap-potsdam.py"]
model = dict(
    data_preprocessor=dict(num_bands=_base_.num_bands),
    backbone=dict(in_channels=_base_.num_bands, bands_per_block=16),
    decode_head=dict(num_classes=_base_.num_classes),
)
