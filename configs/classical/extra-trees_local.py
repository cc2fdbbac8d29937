# Sees nothing outside a window of 9x9.
_base_ = "./extra-trees.py"
data = dict(transforms=[dict(type="SceneChannels", local=True, window=9)])
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
