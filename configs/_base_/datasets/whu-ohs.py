# WHU-OHS: 32 bands, 512x512 tiles; labels 1 to 24 to classes 0 to 23, 0 ignored. An epoch is every true 64x64 window of
# the 4,822 training tiles once: 308,608 windows, 2,411 steps of 128.
dataset = dict(type="TileDataset", scene="whu_ohs", data_root="{{$MMHSI_DATA:data}}")
test_pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
train_dataloader = dict(
    batch_size=128,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        subset="train",
        window=64,
        pipeline=[
            dict(type="LoadCube"),
            dict(type="LoadLabels"),
            dict(type="RandomResizedCrop", size=64, scale=(0.2, 1.0), interpolation="bicubic"),
            dict(type="RandomDihedral"),
            dict(type="PackTile"),
        ],
        **dataset,
    ),
)
val_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="val", window=64, pipeline=test_pipeline, **dataset),
)
test_dataloader = dict(
    batch_size=64,
    num_workers=4,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(subset="test", window=64, pipeline=test_pipeline, **dataset),
)
val_evaluator = dict(type="LandCoverMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
