model = dict(
    type="SSMAE",
    data_preprocessor=dict(type="ScenePreprocessor"),
    backbone=dict(type="SSMAEViT", arch="base", window=7),
    spatial_masking=dict(type="RandomMasking", ratio=0.3),
    spectral_masking=dict(type="MRSMasking", ratio=0.3),
)
