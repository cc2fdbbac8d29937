# The least important of 8 layers are pruned every 10 epochs.
_base_ = "./lo-msst_sst-base-p8.py"
default_hooks = dict(pruning=dict(type="LayerPruningHook", interval=10, num_layers=4))
find_unused_parameters = True  # pruned layers have no gradients
