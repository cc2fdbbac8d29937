# 20 random training pixels a class; seeds 0 to 4 are the published splits.
_base_ = "./scene_20-per-class.py"
train_dataloader = dict(dataset=dict(scene="salinas_a"))
test_dataloader = dict(dataset=dict(scene="salinas_a"))
