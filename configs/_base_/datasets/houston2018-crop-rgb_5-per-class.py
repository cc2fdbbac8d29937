# The cube and the finer RGB picture.
_base_ = "./houston2018-crop_5-per-class.py"
train_dataloader = dict(dataset=dict(use_second=True))
test_dataloader = dict(dataset=dict(use_second=True))
