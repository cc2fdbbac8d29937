# Shares of the simulated scene's eight classes in every pixel of tiles, half of which train.
dataset = dict(
    type="TileValueDataset",
    scene="demo",
    data_root="{{$MMHSI_DATA:data}}",
    window=16,
)
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        split=dict(part="train", train_share=0.5, seed=0),
        pipeline=[dict(type="LoadCube", cache_mb=256), dict(type="RandomDihedral"), dict(type="PackTile")],
        **dataset,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        split=dict(part="test", train_share=0.5, seed=0),
        pipeline=[dict(type="LoadCube", cache_mb=256), dict(type="PackTile")],
        **dataset,
    ),
)
test_evaluator = dict(type="ValueMetric")
test_cfg = dict()
