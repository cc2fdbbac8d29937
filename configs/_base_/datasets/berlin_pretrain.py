# Two sources.
_base_ = "./scene_pretrain.py"
train_dataloader = dict(dataset=dict(scene="berlin", use_second=True))
