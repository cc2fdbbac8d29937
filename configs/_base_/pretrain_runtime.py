# What the model reconstructs is drawn every 10 epochs and at the end.
_base_ = "./default_runtime.py"
default_hooks = dict(reconstruction=dict(type="ReconstructionHook", interval=10))
