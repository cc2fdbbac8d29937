# A short last phase: temperature, weight decay and teacher go on where the long one ended.
_base_ = "./runtime_100e.py"
train_cfg = dict(max_epochs=10)
optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=0.4))
steps = dict(by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=1, **steps),
    dict(type="CosineAnnealingLR", eta_min_ratio=1e-2, begin=1, end=10, **steps),
]
custom_hooks = [
    *_base_.custom_hooks[:-2],
    dict(type="DINOScheduleHook", teacher_temperature=(0.07, 0.07), momentum=(0.996, 1.0), freeze_last_layer_epochs=0),
    dict(type="CollapseGuardHook", begin=50),
]
