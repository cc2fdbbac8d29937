# Fill in: patch_size.
model = dict(
    type="MAE",
    data_preprocessor=dict(type="ScenePreprocessor"),
    backbone=dict(type="HSIViT", arch="tiny"),
    decoder=dict(type="MAEDecoder", decoder_embed_dims=64, depth=2, num_heads=4),
    masking=dict(type="RandomMasking", ratio=0.75),
)
