_base_ = [
    "../_base_/models/pixel_hit.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a_20-per-class}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
# Of a finer second source, mean and standard deviation within each pixel of the cube come behind the cube's bands.
model = dict(data_preprocessor=dict(second="texture"))
