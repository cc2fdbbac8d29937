_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="eo1_cdl"))
val_dataloader = dict(dataset=dict(scene="eo1_cdl"))
test_dataloader = dict(dataset=dict(scene="eo1_cdl"))
