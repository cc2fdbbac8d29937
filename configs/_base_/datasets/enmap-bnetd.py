_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_bnetd"))
val_dataloader = dict(dataset=dict(scene="enmap_bnetd"))
test_dataloader = dict(dataset=dict(scene="enmap_bnetd"))
