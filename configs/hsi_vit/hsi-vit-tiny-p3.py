# From scratch.
_base_ = "../mae/mae-ft_hsi-vit-tiny-p3.py"
model = dict(backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=None)
train_cfg = dict(max_epochs=50)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, end=50, convert_to_iter_based=True),
]
