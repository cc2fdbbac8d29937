# Values at some pixels of a scene; blocks of ground train or test. Give dataset.scene (image, values, targets) in both
# loaders.
dataset = dict(
    type="SceneValueDataset",
    data_root="{{$MMHSI_DATA:data}}",
    window=9,
    split=dict(type="DisjointSplit", per_class=1000, window=9, block=8, train_share=0.5, seed=0),
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
test_evaluator = dict(type="ValueMetric")
test_cfg = dict()
