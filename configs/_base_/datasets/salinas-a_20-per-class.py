# Salinas-A, 20 training pixels a class, all other labelled pixels test. tools/train.py --seed K takes the K-th split.
data_root = "{{$MMHSI_DATA:data}}"
split = dict(type="FileSplit", path="{{$MMHSI_DATA:data}}/splits/salinas_a_fewshot20_seed{seed}.npz", seed=0)
train_dataloader = dict(
    batch_size=40,
    num_workers=0,
    sampler=dict(type="SeededSampler", shuffle=True),
    dataset=dict(type="SceneDataset", scene="salinas_a", data_root=data_root, window=9, subset="train", split=split),
)
test_dataloader = dict(
    batch_size=512,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="SceneDataset", scene="salinas_a", data_root=data_root, window=9, subset="test", split=split),
)
test_evaluator = dict(type="LandCoverMetric")
test_cfg = dict()
