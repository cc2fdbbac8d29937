_base_ = [
    "../_base_/models/deeplabv3plus_r50.py",
    "../_base_/datasets/c2seg-wuhan.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(num_bands=116),
    backbone=dict(in_channels=116),
    decode_head=dict(num_classes=14),
    auxiliary_head=dict(num_classes=14),
)
auto_scale_lr = dict(base_batch_size=8)
