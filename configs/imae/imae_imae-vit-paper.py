_base_ = [
    "../_base_/models/imae_imae-vit-paper.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas}}_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
# Every step has one size and every size as many windows.
train_dataloader = dict(
    batch_size=64,
    batch_sampler=dict(type="MultiSizeBatchSampler", sizes=(9, 15, 29, 33)),
    dataset=dict(largest_window=33),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
auto_scale_lr = dict(base_batch_size=64)
