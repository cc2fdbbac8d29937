# Shares of the simulated scene's eight classes in each pixel.
_base_ = "./scene_values.py"
train_dataloader = dict(dataset=dict(scene="demo"))
test_dataloader = dict(dataset=dict(scene="demo"))
