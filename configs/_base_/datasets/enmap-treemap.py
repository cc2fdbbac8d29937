_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_treemap"))
val_dataloader = dict(dataset=dict(scene="enmap_treemap"))
test_dataloader = dict(dataset=dict(scene="enmap_treemap"))
