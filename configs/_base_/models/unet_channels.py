# mmseg's UNet of 24 channels at the first of its 4 levels, all of which a linear map joins to as many features as there
# are channels of the surroundings; of the pixel's features a linear map makes its class.
_base_ = "./unet_c32.py"
finer = "-rgb" in "{{$MMHSI_DATASET:houston2018-crop-rgb}}"
# What the network sees, bands and what is in a pixel of the finer source; and what is predicted in pretraining.
seen = ["spectra", "finer", "texture"] if finer else ["spectra"]
predicted = ["emp", "ms", "nemp", "words"] + (["texture"] if finer else [])
num_channels = 232 if finer else 190
model = dict(
    tta=True,
    data_preprocessor=dict(clip=10.0, augments=[dict(type="BatchGainOffset"), dict(type="BatchNoise", std=0.05)]),
    backbone=dict(base_channels=24),
    neck=dict(type="LevelProjection", in_channels=(192, 96, 48, 24), out_channels=num_channels),
    decode_head=dict(
        in_channels=num_channels,
        channels=num_channels,
        in_index=0,
        num_convs=0,
        loss_decode=dict(label_smoothing=0.1),
    ),
)
