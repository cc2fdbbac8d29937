# Labels at their own resolution, 4 times finer than the cube.
_base_ = "./houston2018-crop_halves.py"
train_dataloader = dict(dataset=dict(fine_labels=True))
test_dataloader = dict(dataset=dict(fine_labels=True))
