_base_ = [
    "../_base_/models/imae_imae-vit-tiny.py",
    "../_base_/datasets/houston2018-crop_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(data_preprocessor=dict(num_bands=48), backbone=dict(in_channels=48), decoder=dict(in_channels=48))
train_dataloader = dict(
    batch_size=256,
    batch_sampler=dict(type="MultiSizeBatchSampler", sizes=(5, 9, 13), equal_tokens=True),
    dataset=dict(largest_window=13, stride=2),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
