_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_bdforet"))
val_dataloader = dict(dataset=dict(scene="enmap_bdforet"))
test_dataloader = dict(dataset=dict(scene="enmap_bdforet"))
