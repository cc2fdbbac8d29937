_base_ = "./mask2former_swin-small.py"
model = dict(backbone=dict(depths=(2, 2, 6, 2)))
