# With the bands of the RGB picture, averaged to the cube's grid, behind those of the cube.
_base_ = "./gru_houston2018-crop_20-per-class.py"
model = dict(data_preprocessor=dict(second_bands=3), backbone=dict(in_channels=51))
train_dataloader = dict(dataset=dict(use_second=True))
test_dataloader = dict(dataset=dict(use_second=True))
