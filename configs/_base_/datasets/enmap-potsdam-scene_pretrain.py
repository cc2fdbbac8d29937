_base_ = "./scene_pretrain.py"
train_dataloader = dict(dataset=dict(scene="enmap_potsdam_scene"))
