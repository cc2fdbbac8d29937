_base_ = [
    "../_base_/models/values_hsi-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:demo_values}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(patch_size=3))
data = dict(window=9)
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
