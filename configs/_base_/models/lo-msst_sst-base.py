# The embedding keeps the level of a patch, without which that of its neighbours is hard to tell. Fill in: patch_size
# and bands_per_block.
model = dict(
    type="LOMSST",
    data_preprocessor=dict(type="ScenePreprocessor"),
    backbone=dict(type="SST", arch="base", norm_before=False),
    decoder=dict(type="LOMSSTDecoder"),
    masking=dict(type="RandomMasking", ratio=0.75),
)
