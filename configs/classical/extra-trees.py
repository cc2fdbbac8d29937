_base_ = [
    "../_base_/models/pixel_classical.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018-crop-rgb_20-per-class}}.py",
    "../_base_/schedules/fit_once.py",
    "../_base_/default_runtime.py",
]
# Channels of a pixel's surroundings in place of its bands.
data = dict(window=1, transforms=[dict(type="SceneChannels")])
train_dataloader = dict(batch_size=4096, sampler=dict(shuffle=False), dataset=data)
test_dataloader = dict(batch_size=4096, dataset=data)
