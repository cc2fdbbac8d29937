# From scratch.
_base_ = "./imae-ft_imae-vit-tiny.py"
model = dict(backbone=dict(init_cfg=None))
