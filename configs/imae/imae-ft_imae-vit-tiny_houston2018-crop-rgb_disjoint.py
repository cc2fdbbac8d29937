# Behind the cube's bands those of the finer RGB picture: mean and standard deviation within each pixel of the cube.
_base_ = "./imae-ft_imae-vit-tiny_houston2018-crop_disjoint.py"
model = dict(
    data_preprocessor=dict(second_bands=3, second="texture"),
    backbone=dict(
        in_channels=54,
        init_cfg=dict(checkpoint="work_dirs/imae_imae-vit-tiny_houston2018-crop-rgb/epoch_20.pth"),
    ),
)
train_dataloader = dict(dataset=dict(use_second=True))
test_dataloader = dict(dataset=dict(use_second=True))
