default_scope = "mmhsi"
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=20),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="AtomicCheckpointHook", interval=50, max_keep_ckpts=2),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
custom_hooks = [
    dict(type="FitPreprocessorHook"),
    dict(type="AttachScenesHook"),
    dict(type="SeedIterationHook"),
    dict(type="SyncBatchNormHook"),
    dict(type="SaveSplitHook"),
    dict(type="NonFiniteLossHook"),
]
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
visualizer = dict(type="HSIVisualizer", vis_backends=[dict(type="LocalVisBackend")])
log_processor = dict(by_epoch=True)
log_level = "INFO"
load_from = None
resume = False
randomness = dict(seed=0)
