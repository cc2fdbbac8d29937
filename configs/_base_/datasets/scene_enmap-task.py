# Tiles of SpectralEarth's tasks, of EnMAP's 202 bands but for two, in the authors' lists. Fill in: dataset.scene in the three loaders.
dataset = dict(type="TileDataset", data_root="{{$MMHSI_DATA:data}}")
test_pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
train_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        subset="train",
        pipeline=[dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="RandomDihedral"), dict(type="PackTile")],
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="val", pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=4,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", pipeline=test_pipeline, **dataset),
)
val_evaluator = dict(type="LandCoverMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
