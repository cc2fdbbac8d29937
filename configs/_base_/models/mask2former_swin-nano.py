# Small enough to train on a CPU; small tiles ask for small patches and windows.
_base_ = "./mask2former_swin-small.py"
model = dict(
    backbone=dict(
        embed_dims=32,
        depths=(2, 2, 2, 2),
        num_heads=(1, 2, 4, 8),
        patch_size=2,
        strides=(2, 2, 2, 2),
        window_size=4,
        drop_path_rate=0.1,
    ),
    in_channels=[32, 64, 128, 256],
    channels=64,
    num_heads=4,
    num_queries=20,
    encoder_layers=2,
    decoder_layers=3,
    encoder_feedforward=128,
    decoder_feedforward=256,
    size_divisor=16,
)
