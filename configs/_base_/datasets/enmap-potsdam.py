# EnMAP Potsdam: 32×32 tiles, 218 good bands of 224, 6 classes, split by csv files.
data_root = "{{$MMHSI_DATA:data}}/enmap_potsdam"
dataset = dict(
    type="TileDataset",
    data_root=data_root,
    classes=("roof", "pavement", "low vegetation", "soil", "tree", "water"),
    label_ids=(1, 2, 3, 4, 5, 6),
    ignore_ids=(0,),
    palette=[[230, 0, 0], [156, 156, 156], [152, 230, 0], [168, 112, 0], [38, 115, 0], [0, 112, 255]],
)
test_pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
train_dataloader = dict(
    batch_size=7,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        split_file="train_files.csv",
        pipeline=[dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="RandomDihedral"), dict(type="PackTile")],
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(split_file="validation_files.csv", pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(split_file="test_files.csv", pipeline=test_pipeline, **dataset),
)
val_evaluator = [dict(type="LandCoverMetric"), dict(type="mmseg.IoUMetric", iou_metrics=["mIoU"], prefix="mmseg")]
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
