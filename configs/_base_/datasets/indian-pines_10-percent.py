# 10 % of the labelled pixels of every class train; seed 0 unless --seed gives another.
_base_ = "./scene_20-per-class.py"
split = dict(_delete_=True, type="FractionSplit", fraction=0.1, seed=0)
train_dataloader = dict(dataset=dict(scene="indian_pines", split=split))
test_dataloader = dict(dataset=dict(scene="indian_pines", split=split))
