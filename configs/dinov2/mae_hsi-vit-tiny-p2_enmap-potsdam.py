# The windows, epochs and backbone of dinov2_hsi-vit-tiny-p2_enmap-potsdam.
_base_ = "./mae_hsi-vit-tiny-p1_enmap-potsdam.py"
model = dict(backbone=dict(patch_size=2), decoder=dict(patch_size=2))
