model = dict(
    type="IMAE",
    data_preprocessor=dict(type="ScenePreprocessor", augments=[dict(type="BatchDihedral")]),
    backbone=dict(type="IMAEViT", arch="tiny"),
    decoder=dict(type="IMAEDecoder", decoder_embed_dims=32, depth=2, num_heads=2),
    masking=dict(type="RandomMasking", ratio=0.5),
)
