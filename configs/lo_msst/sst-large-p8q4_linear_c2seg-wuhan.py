# Phase 3 of the paper: the whole training set, from scratch.
_base_ = "./lo-msst-frozen_sst-large-p8q4_linear_c2seg-wuhan.py"
model = dict(frozen=False, backbone=dict(init_cfg=None))
optim_wrapper = dict(paramwise_cfg=None)
