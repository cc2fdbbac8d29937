_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_cdl"))
val_dataloader = dict(dataset=dict(scene="enmap_cdl"))
test_dataloader = dict(dataset=dict(scene="enmap_cdl"))
