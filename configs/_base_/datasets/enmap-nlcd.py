_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_nlcd"))
val_dataloader = dict(dataset=dict(scene="enmap_nlcd"))
test_dataloader = dict(dataset=dict(scene="enmap_nlcd"))
