# The authors' commands: 200,000 windows at random, 300 epochs, a tenth of the rate after 180 and 240.
_base_ = [
    "../_base_/models/ss-mae_vit-base.py",
    "../_base_/datasets/{{$MMHSI_DATASET:houston2018}}_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
train_dataloader = dict(batch_size=128, dataset=dict(window=7, random_pixels=200_000))
optim_wrapper = dict(optimizer=dict(lr=1e-4))
train_cfg = dict(max_epochs=300)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="MultiStepLR", by_epoch=True, milestones=[180, 240], gamma=0.1),
]
auto_scale_lr = dict(base_batch_size=128)
