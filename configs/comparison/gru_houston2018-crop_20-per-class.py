_base_ = [
    "../_base_/models/pixel_gru.py",
    "../_base_/datasets/houston2018-crop_20-per-class.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=48), backbone=dict(in_channels=48), head=dict(num_classes=10))
