# The centre pixel is the same in every symmetry of a window.
_base_ = "./pixel_hsi-vit-tiny.py"
model = dict(
    tta=False,
    backbone=dict(_delete_=True, type="SpectralCNN1D"),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
)
