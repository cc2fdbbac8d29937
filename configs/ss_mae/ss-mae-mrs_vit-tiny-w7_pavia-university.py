_base_ = [
    "../_base_/models/ss-mae_vit-tiny.py",
    "../_base_/datasets/pavia-university_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=103), backbone=dict(in_channels=103))
# Windows of 7 still cover every pixel.
train_dataloader = dict(batch_size=128, dataset=dict(window=7, stride=3))
auto_scale_lr = dict(base_batch_size=128)
