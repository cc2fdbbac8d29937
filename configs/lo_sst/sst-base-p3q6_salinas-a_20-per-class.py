# SST Base from scratch: 4 spatial and 4 spectral layers, nothing pruned.
_base_ = "../hsi_vit/hsi-vit-tiny-p3_salinas-a_20-per-class.py"
model = dict(
    backbone=dict(_delete_=True, type="SST", arch="base", in_channels=204, patch_size=3, bands_per_block=6),
    head=dict(in_channels=96),
)
