# Validation of pretraining on 64x64 windows of the tiles that pretraining does not see.
dataset = dict(
    type="TileDataset",
    scene="whu_ohs",
    data_root="{{$MMHSI_DATA:data}}",
    window=64,
    with_labels=False,
    pipeline=[dict(type="LoadCube"), dict(type="PackTile")],
)
val_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="val", **dataset),
)
test_dataloader = dict(
    batch_size=128,
    num_workers=4,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", **dataset),
)
val_evaluator = dict(type="ReconstructionMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
