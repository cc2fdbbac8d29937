# mmseg's UPerNet on ResNetV1c-18, from scratch.
_base_ = "./fcn_r18.py"
model = dict(
    backbone=dict(dilations=(1, 1, 1, 1), strides=(1, 2, 2, 2)),
    decode_head=dict(
        _delete_=True,
        type="mmseg.UPerHead",
        in_channels=[64, 128, 256, 512],
        in_index=[0, 1, 2, 3],
        pool_scales=(1, 2, 3, 6),
        channels=128,
        dropout_ratio=0.1,
        norm_cfg=dict(type="BN", requires_grad=True),
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
