# For small data. Fill in: patch_size, spectral_patch_size and spectral_grid.
model = dict(
    type="DINOv2",
    data_preprocessor=dict(type="ViewPreprocessor"),
    backbone=dict(type="SpatialSpectralViT", arch="tiny", layer_scale_init_value=0.1, drop_path_rate=0.1),
    head=dict(type="DINOHead", num_prototypes=1024, hidden_channels=512, bottleneck_channels=128),
)
