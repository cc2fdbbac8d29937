# For small data: 100 epochs of a few steps.
_base_ = "./runtime_100e.py"
optim_wrapper = dict(optimizer=dict(lr=1e-3))
custom_hooks = [*_base_.custom_hooks[:-1], dict(type="CollapseGuardHook", interval=20, begin=200)]
