# The patch of the paper: 14 x 4 x 4 patches a tile.
_base_ = "./lo-msst_sst-base-p2q8_enmap-potsdam.py"
model = dict(backbone=dict(patch_size=8, bands_per_block=16))
