# Profiles by lines of the finer source beside the other families.
_base_ = "./extra-trees.py"
data = dict(transforms=[dict(type="SceneChannels", groups=["emp", "ms", "nemp", "texture", "lines", "words"])])
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
