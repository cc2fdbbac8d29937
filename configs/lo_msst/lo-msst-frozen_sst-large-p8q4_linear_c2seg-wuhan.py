# d 84, 6 spatial and 6 spectral layers.
_base_ = "./lo-msst-frozen_sst-base-p8q4_linear_c2seg-wuhan.py"
model = dict(
    backbone=dict(
        arch="large",
        out_indices=(11,),
        init_cfg=dict(checkpoint="work_dirs/lo-msst_sst-large-p8q4_c2seg-wuhan/epoch_100.pth"),
    ),
    decode_head=dict(in_channels=84),
)
