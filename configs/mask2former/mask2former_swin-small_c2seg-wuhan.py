# The comparison of the LO-SST paper's phase 3: the whole training set, from scratch.
_base_ = [
    "../_base_/models/mask2former_swin-small.py",
    "../_base_/datasets/c2seg-wuhan.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
auto_scale_lr = dict(base_batch_size=8)
