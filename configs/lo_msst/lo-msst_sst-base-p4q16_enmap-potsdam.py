# 14 x 8 x 8 patches a tile: an eighth of the tokens of p2q8.
_base_ = "./lo-msst_sst-base-p2q8_enmap-potsdam.py"
model = dict(backbone=dict(patch_size=4, bands_per_block=16))
