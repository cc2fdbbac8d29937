# Published spatially disjoint splits, seeds 0 to 7: no test pixel lies in a training window of up to 9x9.
_base_ = "./scene_20-per-class.py"
split = dict(_delete_=True, type="PublishedSplit", name="salinas_a_disjoint20", seed=0)
train_dataloader = dict(dataset=dict(scene="salinas_a", split=split))
test_dataloader = dict(dataset=dict(scene="salinas_a", split=split))
