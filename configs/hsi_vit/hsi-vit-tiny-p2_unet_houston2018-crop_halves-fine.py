# Labels 4 times finer than the cube: the decoder doubles patches of 2 pixels three times.
_base_ = [
    "../_base_/models/linear_hsi-vit-tiny.py",
    "../_base_/datasets/houston2018-crop_halves-fine.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(
        num_bands=48,
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(in_channels=48, img_size=24, patch_size=2),
    decode_head=dict(
        _delete_=True,
        type="UNetHead",
        in_channels=[128, 128, 128, 128],
        in_index=[0, 1, 2, 3],
        num_classes=9,
        num_upsamples=3,
        loss_decode=dict(type="CrossEntropyLoss"),
    ),
)
