_base_ = "./ss-mae-mrs-ft_vit-tiny-w7_houston2018-crop_20-per-class.py"
split = dict(per_class=5)
train_dataloader = dict(dataset=dict(split=split))
test_dataloader = dict(dataset=dict(split=split))
