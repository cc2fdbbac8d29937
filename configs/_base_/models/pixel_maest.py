_base_ = "./pixel_hsi-vit-tiny.py"
model = dict(
    backbone=dict(_delete_=True, type="MAESTViT", window=7),
    neck=dict(_delete_=True, type="mmpretrain.GlobalAveragePooling"),
)
