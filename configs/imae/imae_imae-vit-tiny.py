_base_ = [
    "../_base_/models/imae_imae-vit-tiny.py",
    "../_base_/datasets/{{$MMHSI_DATASET:salinas-a}}_pretrain.py",
    "../_base_/schedules/adamw_pretrain_20e.py",
    "../_base_/default_runtime.py",
]
# Of a finer second source, mean and standard deviation within each pixel of the cube come behind the cube's bands.
model = dict(data_preprocessor=dict(second="texture"))
train_dataloader = dict(
    batch_size=256,
    batch_sampler=dict(type="MultiSizeBatchSampler", sizes=(5, 9, 13), equal_tokens=True),
    # Of the larger scenes every second row and column: windows still cover every pixel.
    dataset=dict(largest_window=13, stride={"salinas-a": 1}.get("{{$MMHSI_DATASET:salinas-a}}", 2)),
)
optim_wrapper = dict(optimizer=dict(lr=8e-4), clip_grad=dict(max_norm=1.0))
