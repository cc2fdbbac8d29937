# The paper's sizes.
_base_ = ["./imae_imae-vit-tiny.py"]
model = dict(
    backbone=dict(arch="paper"),
    decoder=dict(decoder_embed_dims=128, num_heads=4),
)
