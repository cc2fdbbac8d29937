# The simulated demo scene, 20 training pixels a class, all other labelled pixels test.
data_root = "{{$MMHSI_DATA:data}}"
split = dict(type="FewShotSplit", per_class=20, seed=0)
train_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(type="SceneDataset", scene="demo", data_root=data_root, window=9, subset="train", split=split),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="SceneDataset", scene="demo", data_root=data_root, window=9, subset="test", split=split),
)
test_evaluator = dict(type="LandCoverMetric")
test_cfg = dict()
