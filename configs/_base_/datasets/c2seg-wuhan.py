# C2Seg Wuhan: 116 bands, cut into 128x128 tiles, 80 % for training, those in all four quarter turns: with
# 352 tiles the 1,408 of the paper.
dataset = dict(type="TileDataset", scene="c2seg_wuhan", data_root="{{$MMHSI_DATA:data}}", window=128)
test_pipeline = [dict(type="LoadCube"), dict(type="LoadLabels"), dict(type="PackTile")]
train_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(
        turns=(0, 1, 2, 3), split=dict(part="train", train_share=0.8, seed=0), pipeline=test_pipeline, **dataset
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(split=dict(part="test", train_share=0.8, seed=0), pipeline=test_pipeline, **dataset),
)
test_dataloader = val_dataloader
val_evaluator = dict(type="LandCoverMetric")
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
