# Which classes occur in a tile.
_base_ = [
    "../_base_/datasets/{{$MMHSI_DATASET:enmap-corine}}.py",
    "../_base_/schedules/adamw_poly_100e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="PresenceClassifier",
    data_preprocessor=dict(type="TilePreprocessor"),
    backbone=dict(type="HSIViT", arch="small", patch_size=8),
    neck=dict(type="mmpretrain.GlobalAveragePooling"),
    head=dict(
        type="mmpretrain.MultiLabelLinearClsHead",
        loss=dict(type="mmpretrain.CrossEntropyLoss", use_sigmoid=True),
    ),
)
auto_scale_lr = dict(base_batch_size=8)
val_evaluator = dict(_delete_=True, type="PresenceMetric")
test_evaluator = val_evaluator
