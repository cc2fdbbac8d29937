_base_ = "./scene_enmap-task.py"
train_dataloader = dict(dataset=dict(scene="enmap_eurocrops"))
val_dataloader = dict(dataset=dict(scene="enmap_eurocrops"))
test_dataloader = dict(dataset=dict(scene="enmap_eurocrops"))
