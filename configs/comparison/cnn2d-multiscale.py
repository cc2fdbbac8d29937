_base_ = "./cnn2d.py"
# The middle 9x9 pixels, and 27x27 as 9x9 means of 3x3, each seen by a network of its own.
model = dict(backbone=dict(_delete_=True, type="MultiScaleWindows", scales=(1, 3), backbone=dict(type="CNN2D")))
data = dict(window=27)
train_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)
