# Experiment 1 of the dissertation: all weights but the head's stay as MAE left them.
_base_ = [
    "../_base_/models/segmentor_hsi-vit-base.py",
    "../_base_/datasets/{{$MMHSI_DATASET:whu-ohs}}.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(backbone=dict(init_cfg=dict(checkpoint="work_dirs/mae_hsi-vit-base-p8_whu-ohs/epoch_100.pth")))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
default_hooks = dict(logger=dict(interval=100), checkpoint=dict(interval=5))  # an epoch is long
