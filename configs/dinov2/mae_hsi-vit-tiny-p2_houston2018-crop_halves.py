# The windows, epochs and backbone of dinov2_hsi-vit-tiny-p2_houston2018-crop_halves: one crop of 16 pixels of every window.
_base_ = [
    "./_base_/mae.py",
    "./_base_/houston2018-crop_halves.py",
    "../_base_/schedules/adamw_pretrain_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=48),
    backbone=dict(in_channels=48, img_size=16, patch_size=2),
    decoder=dict(in_channels=48, img_size=16, patch_size=2),
)
crop = dict(type="RandomResizedCrop", size=16, scale=(0.32, 1.0))
train_dataloader = dict(
    dataset=dict(
        pipeline=[dict(type="LoadCube", cache_mb=256), crop, dict(type="RandomDihedral"), dict(type="PackTile")]
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=32)
