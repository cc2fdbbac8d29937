# The windows, epochs and backbone of dinov2_hsi-vit-tiny: one large crop of every window.
_base_ = ["./_base_/mae.py", "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py", "./_base_/runtime_mae.py"]
model = dict(backbone=dict(img_size=_base_.large.size, patch_size=_base_.patch_size))
train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type="LoadCube", cache_mb=256), _base_.large, dict(type="RandomDihedral"), dict(type="PackTile")]
    )
)
