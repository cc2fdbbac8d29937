# 20 training pixels a class, all other labelled pixels test. Give dataset.scene in both loaders.
# mmhsi train --seed K takes another split.
dataset = dict(
    type="SceneDataset",
    data_root="{{$MMHSI_DATA:data}}",
    window=9,
    split=dict(type="FewShotSplit", per_class=20, seed=0),
)
train_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    collate_fn=dict(type="collate_pixels"),
    dataset=dict(subset="train", **dataset),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=dict(type="collate_pixels"),
    dataset=dict(subset="test", **dataset),
)
test_evaluator = dict(type="LandCoverMetric")
test_cfg = dict()
