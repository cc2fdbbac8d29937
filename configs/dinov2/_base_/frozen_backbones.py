# The teachers that self-distillation on WHU-OHS leaves, as frozen encoders: experiments 4 to 9 of the dissertation.
hsi_vit = dict(
    pos_embed="learned",
    num_registers=4,
    ffn_type="swiglu_fused",
    layer_scale_init_value=1e-5,
    norm_maps=True,
    init_cfg=dict(checkpoint="work_dirs/dinov2_hsi-vit-base-p8_whu-ohs/epoch_100.pth", prefix="teacher.backbone."),
)
hsi_vit_512 = dict(
    hsi_vit,
    img_size=512,
    init_cfg=dict(checkpoint="work_dirs/dinov2-hr_hsi-vit-base-p8_whu-ohs/epoch_10.pth", prefix="teacher.backbone."),
)
spatial_spectral_vit = dict(
    _delete_=True,
    type="SpatialSpectralViT",
    mode="paper",
    arch="base",
    img_size=64,
    local_img_size=32,
    patch_size=8,
    spectral_patch_size=2,
    out_indices=(8, 9, 10, 11),
    norm_maps=True,
    init_cfg=dict(
        type="Pretrained",
        checkpoint="work_dirs/dinov2_spatial-spectral-vit-base-p8_whu-ohs/epoch_100.pth",
        prefix="teacher.backbone.",
    ),
)
