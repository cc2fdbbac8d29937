# For small data: few prototypes, a small head. Fill in: patch_size.
model = dict(
    type="DINOv2",
    data_preprocessor=dict(type="ViewPreprocessor"),
    backbone=dict(
        type="HSIViT",
        arch="tiny",
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=0.1,
        with_mask_token=True,
        drop_path_rate=0.1,
    ),
    head=dict(type="DINOHead", num_prototypes=1024, hidden_channels=512, bottleneck_channels=128),
)
