# mmseg's UNet of 4 levels, 32 channels at the first, from scratch. Sides are padded to multiples of 8.
_base_ = "./fcn_r18.py"
model = dict(
    data_preprocessor=dict(size_divisor=8),
    backbone=dict(
        _delete_=True,
        type="mmseg.UNet",
        base_channels=32,
        num_stages=4,
        strides=(1, 1, 1, 1),
        enc_num_convs=(2, 2, 2, 2),
        dec_num_convs=(2, 2, 2),
        downsamples=(True, True, True),
        enc_dilations=(1, 1, 1, 1),
        dec_dilations=(1, 1, 1),
        upsample_cfg=dict(type="mmseg.InterpConv"),
    ),
    decode_head=dict(in_channels=32, channels=32, num_convs=1, concat_input=False),
)
