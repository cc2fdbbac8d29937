train_cfg = dict(by_epoch=True, max_epochs=200)
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05, fused=True, betas=(0.9, 0.95))
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=20, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=20, end=200, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=7)
