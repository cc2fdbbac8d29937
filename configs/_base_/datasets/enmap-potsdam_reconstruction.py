# Validation of pretraining on the tiles that pretraining does not see.
dataset = dict(
    type="TileDataset",
    scene="enmap_potsdam",
    data_root="{{$MMHSI_DATA:data}}",
    with_labels=False,
    pipeline=[dict(type="LoadCube"), dict(type="PackTile")],
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="val", **dataset),
)
test_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", **dataset),
)
val_evaluator = dict(type="ReconstructionMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
