# Windows of 24 pixels: 2 global views of 18 pixels, 4 local ones of 9.
_base_ = [
    "../_base_/models/dinov2_hsi-vit-tiny.py",
    "../_base_/datasets/mixed_pretrain.py",
    "../dinov2/_base_/runtime_small.py",
    "../dinov2/_base_/views.py",
]
model = dict(
    data_preprocessor=dict(type="SensorViewPreprocessor"),
    backbone=dict(embedding="wavelength", img_size=18, patch_size=3),
)
large = dict(type="RandomResizedCrop", size=18, scale=(0.32, 1.0))
small = dict(type="RandomResizedCrop", size=9, scale=(0.05, 0.32))
pipeline = [
    dict(type="RandomReadWindow", size=24),
    dict(type="LoadCube", cache_mb=256),
    dict(
        type="MultiView",
        transforms=[[large, *_base_.first_global], [large, *_base_.second_global], [small, *_base_.local]],
        num_views=[1, 1, 4],
    ),
    dict(type="PackViews"),
]
train_dataloader = dict(dataset=dict(sensors={name: dict(dataset=dict(pipeline=pipeline)) for name in _base_.sensors}))
auto_scale_lr = dict(base_batch_size=_base_.train_dataloader.batch_size)
