_base_ = "./imae-ft_imae-vit-tiny_houston2018-crop-rgb_20-per-class.py"
split = dict(per_class=5)
train_dataloader = dict(dataset=dict(split=split))
test_dataloader = dict(dataset=dict(split=split))
