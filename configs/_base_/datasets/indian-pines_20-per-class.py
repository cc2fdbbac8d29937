_base_ = "./scene_20-per-class.py"
train_dataloader = dict(dataset=dict(scene="indian_pines"))
test_dataloader = dict(dataset=dict(scene="indian_pines"))
