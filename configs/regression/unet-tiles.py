# Values of every pixel of a tile: a U-Net whose logits are 32 features of a linear head.
_base_ = [
    "../_base_/models/unet_c32.py",
    "../_base_/datasets/{{$MMHSI_DATASET:demo_tile-values}}.py",
    "../_base_/schedules/adamw_scratch_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    _delete_=True,
    type="TileRegressor",
    data_preprocessor=dict(type="TilePreprocessor", size_divisor=8),
    backbone=_base_.model.backbone,
    decode_head=dict(_base_.model.decode_head, num_classes=32),
    head=dict(type="RegressionHead"),
)
auto_scale_lr = dict(base_batch_size=8)
