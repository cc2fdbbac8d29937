_base_ = [
    "../_base_/models/pixel_cnn1d.py",
    "../_base_/datasets/pavia-university_20-per-class.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=103), backbone=dict(in_channels=103), head=dict(num_classes=9))
