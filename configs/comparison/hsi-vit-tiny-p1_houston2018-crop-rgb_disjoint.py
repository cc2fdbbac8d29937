# Behind the cube's bands those of the finer RGB picture: mean and standard deviation within each pixel of the cube.
_base_ = "./hsi-vit-tiny-p1_houston2018-crop_disjoint.py"
model = dict(data_preprocessor=dict(second_bands=3, second="texture"), backbone=dict(in_channels=54))
train_dataloader = dict(dataset=dict(use_second=True))
test_dataloader = dict(dataset=dict(use_second=True))
