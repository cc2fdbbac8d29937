# The paper's schedule. The learning rate is 4e-3 · sqrt(batch / 1024), which --auto-scale-lr follows.
_base_ = "../../_base_/default_runtime.py"
train_cfg = dict(by_epoch=True, max_epochs=100)
optim_wrapper = dict(
    type="OptimWrapper",
    constructor="LayerDecayOptimWrapperConstructor",
    optimizer=dict(type="AdamW", lr=4e-3 * (128 / 1024) ** 0.5, weight_decay=0.04, fused=True),
    clip_grad=dict(max_norm=3.0),
    paramwise_cfg=dict(
        layer_decay_rate=0.9, patch_embed_lr_mult=0.2, norm_decay_mult=0.0, bias_decay_mult=0.0, flat_decay_mult=0.0
    ),
)
steps = dict(by_epoch=True, convert_to_iter_based=True)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=10, **steps),
    dict(type="CosineAnnealingLR", eta_min_ratio=1e-3, begin=10, end=100, **steps),
    dict(  # weight decay from 0.04 to 0.4
        type="CosineAnnealingParamScheduler", param_name="weight_decay", eta_min_ratio=10, begin=0, end=100, **steps
    ),
]
custom_hooks = [
    *_base_.custom_hooks,
    dict(type="DINOScheduleHook", warmup_epochs=30),
    dict(type="CollapseGuardHook"),
]
auto_scale_lr = dict(base_batch_size=128, rule="sqrt")
