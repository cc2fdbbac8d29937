# EnMAP Potsdam: 32x32 tiles, 218 good bands of 224, 6 classes, split by csv files.
dataset = dict(type="TileDataset", scene="enmap_potsdam", data_root="{{$MMHSI_DATA:data}}")
test_pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
train_dataloader = dict(
    batch_size=7,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        subset="train",
        pipeline=[
            dict(type="LoadCube", cache_mb=256),
            dict(type="LoadLabels"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="val", pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", pipeline=test_pipeline, **dataset),
)
val_evaluator = [
    dict(type="LandCoverMetric"),
    dict(type="mmseg.IoUMetric", iou_metrics=["mIoU"], prefix="mmseg"),
]
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
