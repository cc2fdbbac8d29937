# The dissertation's dual encoder.
model = dict(
    type="DINOv2",
    data_preprocessor=dict(type="ViewPreprocessor"),
    backbone=dict(
        type="SpatialSpectralViT",
        mode="paper",
        arch="base",
        img_size=64,
        local_img_size=32,
        patch_size=8,
        spectral_patch_size=2,
        drop_path_rate=0.3,
        drop_path_uniform=True,
    ),
    head=dict(type="DINOHead", num_prototypes=65536),
)
