_base_ = "./scene_20-per-class.py"
train_dataloader = dict(dataset=dict(scene="salinas"))
test_dataloader = dict(dataset=dict(scene="salinas"))
