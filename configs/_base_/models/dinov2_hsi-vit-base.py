# The dissertation's student.
model = dict(
    type="DINOv2",
    data_preprocessor=dict(type="ViewPreprocessor"),
    backbone=dict(
        type="HSIViT",
        arch="base",
        img_size=64,
        patch_size=8,
        pos_embed="learned",
        num_registers=4,
        ffn_type="swiglu_fused",
        layer_scale_init_value=1e-5,
        with_mask_token=True,
        drop_path_rate=0.3,
        drop_path_uniform=True,
    ),
    head=dict(type="DINOHead", num_prototypes=65536),
)
