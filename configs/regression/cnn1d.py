_base_ = [
    "../_base_/models/values_cnn1d.py",
    "../_base_/datasets/{{$MMHSI_DATASET:demo_values}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
data = dict(window=1)
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
