# The same with the labels at their own resolution, 4 times finer along each axis.
_base_ = "./houston2018-crop_halves.py"
train_dataloader = dict(dataset=dict(fine_labels=True))
test_dataloader = dict(dataset=dict(fine_labels=True))
