_base_ = "./ss-mae-mrs-ft_vit-tiny-w7_houston2018-crop_20-per-class.py"
split = dict(_delete_=True, type="PublishedSplit", name="houston2018_crop_disjoint20", seed=0)
train_dataloader = dict(dataset=dict(split=split))
test_dataloader = dict(dataset=dict(split=split))
