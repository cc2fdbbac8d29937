_base_ = [
    "../_base_/models/mask2former_swin-nano.py",
    "../_base_/datasets/enmap-potsdam.py",
    "../_base_/schedules/adamw_scratch_200e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(
        num_bands=218,
        augments=[dict(type="BatchGainOffset", gain=0.1, offset=0.1), dict(type="BatchNoise", std=0.05)],
    ),
    backbone=dict(in_channels=218),
    num_classes=6,
)
default_hooks = dict(logger=dict(interval=2))
