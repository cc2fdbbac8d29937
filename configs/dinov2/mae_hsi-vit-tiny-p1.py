_base_ = "./mae_hsi-vit-tiny-p2.py"
model = dict(backbone=dict(patch_size=1))
