# The 6 least important of 8 layers are pruned every 10 epochs.
_base_ = "./lo-msst-tube_sst-base-p8q4_c2seg-wuhan.py"
default_hooks = dict(pruning=dict(type="LayerPruningHook", interval=10, num_layers=6))
find_unused_parameters = True  # pruned layers have no gradients
