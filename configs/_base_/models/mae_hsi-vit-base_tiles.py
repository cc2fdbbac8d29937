# The dissertation's: ViT-B with dropout 0.1, a decoder of 8 layers. Fill in: patch_size.
model = dict(
    type="MAE",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(type="HSIViT", arch="base", drop_rate=0.1),
    decoder=dict(type="MAEDecoder", decoder_embed_dims=512, depth=8, num_heads=16),
    masking=dict(type="RandomMasking", ratio=0.75),
)
