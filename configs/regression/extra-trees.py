_base_ = [
    "../_base_/models/values_classical.py",
    "../_base_/datasets/{{$MMHSI_DATASET:demo_values}}.py",
    "../_base_/schedules/fit_once.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(type="ExtraTreesValues"))
data = dict(window=1)
train_dataloader = dict(batch_size=4096, sampler=dict(shuffle=False), dataset=data)
test_dataloader = dict(batch_size=4096, dataset=data)
