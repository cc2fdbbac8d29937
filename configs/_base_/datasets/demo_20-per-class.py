_base_ = "./scene_20-per-class.py"
train_dataloader = dict(dataset=dict(scene="demo"))
test_dataloader = dict(dataset=dict(scene="demo"))
