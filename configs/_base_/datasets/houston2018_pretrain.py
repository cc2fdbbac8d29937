# Two sources.
_base_ = "./scene_pretrain.py"
train_dataloader = dict(dataset=dict(scene="houston2018", use_second=True))
