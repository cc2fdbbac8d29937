# From scratch: one learning rate for the whole model.
train_cfg = dict(by_epoch=True, max_epochs=40)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, weight_decay=0.05, fused=True),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=True, begin=0, end=2, convert_to_iter_based=True),
    dict(type="CosineAnnealingLR", by_epoch=True, begin=2, end=40, convert_to_iter_based=True),
]
auto_scale_lr = dict(base_batch_size=40)
