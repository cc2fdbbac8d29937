# Multiscale linear head on the last four layers. Fill in: patch_size.
model = dict(
    type="EncoderDecoder",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(type="HSIViT", arch="tiny", out_indices=(0, 1, 2, 3)),
    decode_head=dict(
        type="MultiscaleLinearHead",
        in_channels=[128, 128, 128, 128],
        in_index=[0, 1, 2, 3],
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
    train_cfg=dict(),
    test_cfg=dict(mode="whole"),
)
