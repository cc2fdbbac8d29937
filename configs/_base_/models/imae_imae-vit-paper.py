# The paper's sizes. Fill in: num_bands, and in_channels twice.
_base_ = ["./imae_imae-vit-tiny.py"]
model = dict(
    backbone=dict(arch="paper"),
    decoder=dict(embed_dims=256, decoder_embed_dims=128, num_heads=4),
)
