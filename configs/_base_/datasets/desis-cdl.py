_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="desis_cdl"))
val_dataloader = dict(dataset=dict(scene="desis_cdl"))
test_dataloader = dict(dataset=dict(scene="desis_cdl"))
