# Behind the cube's bands those of the finer RGB picture: mean and standard deviation within each pixel of the cube.
_base_ = "./imae_imae-vit-tiny_houston2018-crop.py"
model = dict(
    data_preprocessor=dict(second_bands=3, second="texture"),
    backbone=dict(in_channels=54),
    decoder=dict(in_channels=54),
)
train_dataloader = dict(dataset=dict(use_second=True))
