_base_ = "../mae/mae-ft_hsi-vit-tiny-p1_linear_enmap-potsdam.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="SpatialSpectralViT",
        arch="tiny",
        img_size=12,
        patch_size=1,
        spectral_patch_size=14,
        spectral_grid=3,
        out_indices=(0, 1, 2, 3),
        layer_scale_init_value=0.1,
        init_cfg=dict(
            type="Pretrained",
            checkpoint="work_dirs/dinov2_spatial-spectral-vit-tiny_enmap-potsdam/epoch_100.pth",
            prefix="teacher.backbone.",
        ),
    )
)
auto_scale_lr = dict(base_batch_size=7)
find_unused_parameters = True  # the spectral stream's last exchange, norm and mask token
