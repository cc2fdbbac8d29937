# Phase 2 of the paper: all weights are trained, on 30 % of the training tiles.
_base_ = "./lo-msst-frozen_sst-large-p8q4_cnn_c2seg-wuhan.py"
model = dict(frozen=False)
train_dataloader = dict(
    dataset=dict(split=dict(train_share=0.24))
)  # of the shuffled tiles the first 30 % of those 80 %
find_unused_parameters = True  # layers that pretraining may have pruned have no gradients
