# Houston 2018, stadium crop: windows of the left half for training, the right half for test, 8 columns between them; labels
# on the cube's grid. Classes 4, 8 and 9 have no training pixels there and are ignored. There is no validation part:
# parameters are not to be chosen on the right half.
kept = (1, 2, 3, 5, 6, 7, 10, 11, 12)
dataset = dict(
    type="TileDataset",
    scene=dict(
        base="houston2018_crop",
        classes=[f"class {class_id}" for class_id in kept],
        label_ids=kept,
        ignore_ids=(0, 4, 8, 9),
    ),
    data_root="{{$MMHSI_DATA:data}}",
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        region=(0, 0, 128, 60),
        window=24,
        stride=12,
        pipeline=[
            dict(type="LoadCube", cache_mb=256),
            dict(type="LoadLabels"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        region=(0, 68, 128, 56),
        pipeline=[dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")],
        **dataset,
    ),
)
test_evaluator = dict(type="LandCoverMetric")
test_cfg = dict()
