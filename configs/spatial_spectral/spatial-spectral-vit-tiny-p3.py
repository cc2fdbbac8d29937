# From scratch.
_base_ = "../hsi_vit/hsi-vit-tiny-p3.py"
model = dict(
    backbone=dict(
        _delete_=True,
        type="SpatialSpectralViT",
        arch="tiny",
        patch_size=3,
        spectral_patch_size=12,
        spectral_grid=3,
        num_registers=0,
        layer_scale_init_value=0.0,
    )
)
find_unused_parameters = True  # the spectral stream's last exchange, norm and mask token
