# mmseg's FCN on ResNetV1c-18, output stride 8, from scratch.
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(
        type="mmseg.ResNetV1c",
        depth=18,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        dilations=(1, 1, 2, 4),
        strides=(1, 2, 1, 1),
        norm_cfg=dict(type="BN", requires_grad=True),
        norm_eval=False,
        contract_dilation=True,
    ),
    decode_head=dict(
        type="mmseg.FCNHead",
        in_channels=512,
        in_index=3,
        channels=128,
        num_convs=2,
        concat_input=True,
        dropout_ratio=0.1,
        norm_cfg=dict(type="BN", requires_grad=True),
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
