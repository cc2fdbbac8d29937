# Mask2Former with transformers' decoder on mmseg's Swin-S, from scratch.
model = dict(
    type="Mask2Former",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(
        type="mmseg.SwinTransformer",
        embed_dims=96,
        depths=(2, 2, 18, 2),
        num_heads=(3, 6, 12, 24),
        window_size=7,
        drop_path_rate=0.3,
    ),
    in_channels=[96, 192, 384, 768],
)
