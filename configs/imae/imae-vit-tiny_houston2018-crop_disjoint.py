# From scratch.
_base_ = "./imae-ft_imae-vit-tiny_houston2018-crop_disjoint.py"
model = dict(backbone=dict(init_cfg=None))
