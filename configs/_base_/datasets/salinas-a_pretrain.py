_base_ = "./scene_pretrain.py"
train_dataloader = dict(dataset=dict(scene="salinas_a"))
