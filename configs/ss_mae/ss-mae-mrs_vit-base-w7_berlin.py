_base_ = "./ss-mae-mrs_vit-base-w7_houston2018.py"
model = dict(data_preprocessor=dict(num_bands=244, second_bands=4), backbone=dict(in_channels=248))
# About 51,000 windows.
train_dataloader = dict(dataset=dict(scene="berlin", stride=4))
