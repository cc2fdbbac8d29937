_base_ = [
    "../_base_/models/imae_imae-vit-tiny_tiles.py",
    "../_base_/datasets/enmap-potsdam_pretrain.py",
    "../_base_/schedules/adamw_pretrain_200e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(batch_size=21, dataset=dict(window=15, stride=8))
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
auto_scale_lr = dict(base_batch_size=21)
