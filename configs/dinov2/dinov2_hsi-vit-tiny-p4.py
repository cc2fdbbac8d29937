# For scenes of several sensors: --dataset abu.
_base_ = "./dinov2_hsi-vit-tiny-p2.py"
model = dict(backbone=dict(patch_size=4))
