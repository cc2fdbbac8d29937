# The dissertation's: learning rate 1e-4, poly.
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=5)
optim_wrapper = dict(type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-4, weight_decay=0.05, fused=True))
param_scheduler = [
    dict(type="PolyLR", eta_min=0, power=0.9, by_epoch=True, begin=0, end=100, convert_to_iter_based=True)
]
auto_scale_lr = dict(base_batch_size=128)
