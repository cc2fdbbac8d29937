# SST likewise. Fill in: bands_per_block.
_base_ = "./hsi-vit-tiny-p2.py"
model = dict(
    backbone=dict(_delete_=True, type="SST", arch="tiny", patch_size=4, norm_before=False, out_indices=(0, 1, 2, 3)),
    decode_head=dict(in_channels=[48, 48, 48, 48]),
)
