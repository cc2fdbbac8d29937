# The windows, epochs and backbone of dinov2_hsi-vit-tiny-p2: one large crop of every window.
_base_ = [
    "./_base_/mae.py",
    "./_base_/{{$MMHSI_DATASET:enmap-potsdam}}.py",
    "../_base_/schedules/adamw_pretrain_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(img_size=_base_.large.size, patch_size=2))
train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type="LoadCube", cache_mb=256), _base_.large, dict(type="RandomDihedral"), dict(type="PackTile")]
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
