# The windows, epochs and backbone of dinov2_hsi-vit-tiny-p1_enmap-potsdam.
_base_ = ["./_base_/mae.py", "./_base_/enmap-potsdam.py", "./_base_/runtime_mae.py"]
model = dict(backbone=dict(img_size=_base_.large.size, patch_size=1))
train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type="LoadCube", cache_mb=256), _base_.large, dict(type="RandomDihedral"), dict(type="PackTile")]
    )
)
