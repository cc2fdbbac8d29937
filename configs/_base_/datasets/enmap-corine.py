_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_corine"))
val_dataloader = dict(dataset=dict(scene="enmap_corine"))
test_dataloader = dict(dataset=dict(scene="enmap_corine"))
