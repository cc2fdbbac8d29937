_base_ = [
    "../_base_/models/fcn_r18.py",
    "../_base_/datasets/whu-ohs.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=32), backbone=dict(in_channels=32), decode_head=dict(num_classes=24))
