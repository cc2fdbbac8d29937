_base_ = [
    "../_base_/models/pixel_cnn2d.py",
    "../_base_/datasets/salinas-a_disjoint.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=204), backbone=dict(in_channels=204), head=dict(num_classes=6))
