# The paper's pretraining: 29 x 16 x 16 patches, 100 epochs.
_base_ = [
    "../../_base_/datasets/c2seg-wuhan.py",
    "../../_base_/schedules/adamw_pretrain_200e.py",
    "../../_base_/default_runtime.py",
]
patches = dict(bands_per_block=4, norm_before=True)
train_dataloader = dict(dataset=dict(with_labels=False, pipeline=[dict(type="LoadCube"), dict(type="PackTile")]))
val_dataloader = val_evaluator = val_cfg = test_dataloader = test_evaluator = test_cfg = None
train_cfg = dict(max_epochs=100)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=10, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=10, end=100, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=8)
