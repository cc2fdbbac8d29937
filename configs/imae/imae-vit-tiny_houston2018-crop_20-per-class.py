# From scratch.
_base_ = "./imae-ft_imae-vit-tiny_houston2018-crop_20-per-class.py"
model = dict(backbone=dict(init_cfg=None))
