_base_ = ["../../_base_/schedules/adamw_pretrain_100e.py", "../../_base_/default_runtime.py"]
optim_wrapper = dict(optimizer=dict(lr=1e-3))
auto_scale_lr = dict(base_batch_size=32)
