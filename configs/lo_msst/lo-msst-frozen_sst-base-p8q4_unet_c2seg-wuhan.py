# Skips from two spatial and the first two spectral layers.
_base_ = "./lo-msst-frozen_sst-base-p8q4_linear_c2seg-wuhan.py"
model = dict(
    backbone=dict(out_indices=(1, 3, 5, 7)),
    decode_head=dict(
        _delete_=True,
        type="UNetHead",
        in_channels=[48, 48, 48, 48],
        in_index=[0, 1, 2, 3],
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
