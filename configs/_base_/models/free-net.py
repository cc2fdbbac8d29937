# FreeNet, and the 1 x 1 convolution that classifies its map.
_base_ = "./fcn_r18.py"
model = dict(
    backbone=dict(_delete_=True, type="FreeNet"),
    decode_head=dict(
        _delete_=True,
        type="mmseg.FCNHead",
        in_channels=128,
        channels=128,
        num_convs=0,
        concat_input=False,
        dropout_ratio=0.0,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
