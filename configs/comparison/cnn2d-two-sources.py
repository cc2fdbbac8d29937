_base_ = [
    "../_base_/models/pixel_cnn2d.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
# A finer second source, here of Houston's RGB picture, has a branch at its own resolution beside the CNN of the cube.
model = dict(
    data_preprocessor=dict(second="pixels"),
    backbone=dict(_delete_=True, type="TwoSources", backbone=dict(type="CNN2D")),
)
