_base_ = [
    "../_base_/models/ss-mae_vit-tiny.py",
    "../_base_/datasets/houston2018-crop_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=48, second_bands=3, second="texture"), backbone=dict(in_channels=54))
# Every third row and column: windows of 7 still cover every pixel, in 3 minutes on one core.
train_dataloader = dict(batch_size=128, dataset=dict(window=7, use_second=True, stride=3))
auto_scale_lr = dict(base_batch_size=128)
