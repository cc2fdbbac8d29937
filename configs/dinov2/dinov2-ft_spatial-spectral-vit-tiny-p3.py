_base_ = "./dinov2-ft_hsi-vit-tiny-p3.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="SpatialSpectralViT",
        arch="tiny",
        img_size=18,
        patch_size=3,
        spectral_patch_size=3,
        spectral_grid=3,
        layer_scale_init_value=0.1,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/dinov2_spatial-spectral-vit-tiny_houston2018-crop/epoch_100.pth",
            prefix="teacher.backbone.",
        ),
    )
)
find_unused_parameters = True  # the spectral stream's last exchange, norm and mask token
