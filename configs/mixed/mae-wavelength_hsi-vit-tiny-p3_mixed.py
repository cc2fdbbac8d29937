_base_ = [
    "../_base_/models/mae_hsi-vit-tiny.py",
    "../_base_/datasets/mixed_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    data_preprocessor=dict(type="SensorTilePreprocessor"),
    backbone=dict(embedding="wavelength", patch_size=3, img_size=24),
)
train_cfg = dict(max_epochs=40)
auto_scale_lr = dict(base_batch_size=48)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, end=40, convert_to_iter_based=True),
]
