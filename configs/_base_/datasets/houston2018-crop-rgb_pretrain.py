# The cube and the finer RGB picture.
_base_ = "./houston2018-crop_pretrain.py"
train_dataloader = dict(dataset=dict(use_second=True))
