# MAE's learning rate, 1.5e-4 for a batch of 256, at a batch of 128.
train_cfg = dict(by_epoch=True, max_epochs=100)
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="AdamW", lr=7.5e-5, weight_decay=0.05, fused=True, betas=(0.9, 0.95))
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=5, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=5, end=100, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=128)
