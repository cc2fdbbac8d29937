# From scratch.
_base_ = "./imae-ft_imae-vit-tiny_salinas-a_disjoint.py"
model = dict(backbone=dict(init_cfg=None))
