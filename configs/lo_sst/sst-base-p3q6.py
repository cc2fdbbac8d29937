# SST Base from scratch: 4 spatial and 4 spectral layers, nothing pruned.
_base_ = "../hsi_vit/hsi-vit-tiny-p3.py"
model = dict(backbone=dict(_delete_=True, type="SST", arch="base", patch_size=3, bands_per_block=6))
