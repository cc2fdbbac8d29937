model = dict(
    type="MAEST",
    data_preprocessor=dict(type="ScenePreprocessor"),
    backbone=dict(type="MAESTViT", window=7, cross_layer=False),
    masking=dict(type="SpectralMasking", ratio=0.75),
)
